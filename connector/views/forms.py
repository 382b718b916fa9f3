"""The forms of the connection page."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict

from connector.connecting.choices import Choices
from tenants.models import Tenant

INTERVALS = {60: "every minute", 300: "every 5 minutes", 900: "every 15 minutes", 3600: "hourly"}

PAYMENT_MODES = (
    (
        Tenant.PaymentMode.OBSERVE,
        "Only show me. Nothing is ever written to FreshBooks.",
    ),
    (
        Tenant.PaymentMode.APPROVE,
        "Ask me. A person confirms each payment before it is recorded in FreshBooks.",
    ),
    (
        Tenant.PaymentMode.RECORD,
        "Record exact matches at once. Anything unclear waits for a person.",
    ),
)
EMAIL_SENDERS = (
    (Tenant.EmailSender.FRESHBOOKS, "FreshBooks. Stripe sends no invoice e-mails."),
    (Tenant.EmailSender.STRIPE, "Stripe. Do not send these invoices from FreshBooks as well."),
)


class StripeKeyForm(forms.Form):
    """One pasted key. It is never shown again."""

    api_key = forms.CharField(
        label="Secret or restricted key",
        max_length=300,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "placeholder": "sk_… or rk_…", "spellcheck": "false"}
        ),
    )


class ChoicesForm(forms.Form):
    """What nobody should decide for the tenant: nothing is chosen beforehand."""

    email_sender = forms.ChoiceField(
        label="Who e-mails invoices to your clients?",
        choices=EMAIL_SENDERS,
        widget=forms.RadioSelect,
    )
    payment_mode = forms.ChoiceField(
        label="When Stripe collects money, what happens in FreshBooks?",
        choices=PAYMENT_MODES,
        widget=forms.RadioSelect,
    )
    start_date = forms.DateField(
        label="Leave invoices dated earlier alone",
        required=False,
        help_text="Empty: all invoices are taken.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    poll_interval_s = forms.TypedChoiceField(
        label="How often to look for changes",
        coerce=int,
        help_text="Webhooks bring most changes at once; looking makes sure that none is missed.",
    )
    time_zone = forms.ChoiceField(
        label="Time zone of the books", help_text="Decides on which day a payment is dated."
    )

    def __init__(self, data: QueryDict | None = None, *, tenant: Tenant) -> None:
        super().__init__(data, initial=_initial(tenant))
        intervals = INTERVALS | {
            tenant.poll_interval_s: INTERVALS.get(
                tenant.poll_interval_s, f"every {tenant.poll_interval_s} seconds"
            )
        }
        self.fields["poll_interval_s"].choices = sorted(intervals.items())  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = _time_zones()  # type: ignore[attr-defined]

    def choices(self, tenant: Tenant) -> Choices:
        """What was chosen; a schedule that the operator set stays."""
        return Choices(**self.cleaned_data, poll_crontab=tenant.poll_crontab)


def _initial(tenant: Tenant) -> dict[str, Any]:
    """Earlier choices, if somebody made them; else only what is harmless to prefill."""
    names = ["start_date", "poll_interval_s", "time_zone"]
    if tenant.choices_made_at:
        names += ["payment_mode", "email_sender"]
    return {name: getattr(tenant, name) for name in names}


@cache
def _time_zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name]
