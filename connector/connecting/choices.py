"""The choices that somebody makes for a tenant before it goes live. None is made by default."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.recording import Cause, record
from connector.cadence import parse_crontab
from connector.connecting.refusals import ConnectRefused
from tenants.models import Tenant
from tenants.scope import tenant_scope


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What step 4 of the set-up asks."""

    payment_mode: str
    email_sender: str
    time_zone: str
    start_date: date | None
    poll_interval_s: int
    poll_crontab: str = ""


def make_choices(tenant_id: int, choices: Choices, *, cause: Cause) -> Tenant:
    """Keep them, with who chose. Raises ConnectRefused if one of them makes no sense."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        before = {name: getattr(tenant, name) for name in asdict(choices)}
        for name, value in asdict(choices).items():
            setattr(tenant, name, value)
        tenant.choices_made_at = timezone.now()
        try:
            tenant.full_clean(validate_unique=False)
            if choices.poll_crontab:
                parse_crontab(choices.poll_crontab)
        except ValidationError as error:
            raise ConnectRefused(
                " ".join(error.messages), code="invalid_choice", next_step="Correct it, then save."
            ) from error
        tenant.save()
        record(
            tenant_id=tenant_id,
            action="tenant.choices_made",
            entity=f"tenant:{tenant_id}",
            cause=cause,
            details={"before": before, "after": asdict(choices)},
        )
        return tenant
