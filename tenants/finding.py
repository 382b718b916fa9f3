"""Finding the tenant that a person named on the command line."""

from __future__ import annotations

from django.core.management.base import CommandError

from tenants.models import Tenant


def get_tenant(name: str) -> Tenant:
    """The tenant with this slug or id. Raises CommandError with a hint if there is none."""
    tenant = Tenant.objects.filter(slug=name).first()
    if tenant is None and name.isdecimal():
        tenant = Tenant.objects.filter(pk=int(name)).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:10])
        raise CommandError(f"There is no tenant {name!r}. Some that exist: {known or 'none yet'}.")
    if tenant.state == Tenant.State.ERASED:
        raise CommandError(f"{tenant.name}: nothing is left of it but its audit chain.")
    return tenant
