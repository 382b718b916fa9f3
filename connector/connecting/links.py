"""Onboarding links: let a tenant's own people connect, without a login at our side.

The link is the secret; only its digest is stored, so it is shown once, when it is made.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.recording import Cause, record
from tenants.models import OnboardingLink, Tenant, new_url_token, token_digest
from tenants.scope import every_tenant, tenant_scope

LINK_LIFE = timedelta(days=7)


def make_link(tenant_id: int, *, cause: Cause, life: timedelta = LINK_LIFE) -> str:
    """A new address for the tenant's people. Earlier links go on working until they expire."""
    token = new_url_token()
    with tenant_scope(tenant_id):
        link = OnboardingLink.objects.create(
            tenant_id=tenant_id,
            token_digest=token_digest(token),
            created_by=cause.actor[:150],
            expires_at=timezone.now() + life,
        )
        record(
            tenant_id=tenant_id,
            action="onboarding_link.made",
            entity=f"onboarding_link:{link.pk}",
            cause=cause,
            details={"expires_at": link.expires_at},
        )
    return f"{settings.PUBLIC_BASE_URL}/connect/{token}/"


def revoke_links(tenant_id: int, *, cause: Cause) -> int:
    """End every link of a tenant at once; answer how many were still good."""
    with tenant_scope(tenant_id):
        now = timezone.now()
        ended = OnboardingLink.objects.filter(revoked_at__isnull=True, expires_at__gt=now).update(
            revoked_at=now
        )
        record(
            tenant_id=tenant_id,
            action="onboarding_link.revoked",
            entity=f"tenant:{tenant_id}",
            cause=cause,
            details={"links": ended},
        )
    return ended


def find_tenant_of_link(token: str) -> Tenant | None:
    """Whose link it is; None if it is unknown, expired or revoked: a stranger learns no more."""
    with every_tenant():
        link = (
            OnboardingLink.objects.select_related("tenant")
            .filter(
                token_digest=token_digest(token),
                revoked_at__isnull=True,
                expires_at__gt=timezone.now(),
            )
            .first()
        )
        return link.tenant if link else None
