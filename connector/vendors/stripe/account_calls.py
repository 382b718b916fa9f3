"""Whose key this is, its mode, and what it may do. Used at set-up and by "ping"."""

from __future__ import annotations

import re
import uuid

from connector.errors import ConnectorError, CredentialRejected, VendorRefused
from connector.vendors.reading import Fields
from connector.vendors.stripe.api import StripeApi, path_to
from connector.vendors.stripe.records import PermissionCheck, StripeAccount

_ACCOUNT_ID = re.compile(r"\bacct_[A-Za-z0-9]+")

READ_PROBES = (
    ("Balance: read", "balance", False),
    ("Customers: read", "customers", True),
    ("Invoices: read", "invoices", True),
    ("Invoice payments: read", "invoice_payments", True),
    ("PaymentIntents: read", "payment_intents", True),
    ("Charges and refunds: read", "charges", True),
    ("Disputes: read", "disputes", True),
    ("Credit notes: read", "credit_notes", True),
    ("Payouts: read", "payouts", True),
    ("Events: read", "events", True),
    ("Webhook endpoints: read", "webhook_endpoints", True),
)
# A write to an id that nobody has: 404 when the key may write, 403 when it may not.
WRITE_PROBES = (
    ("Customers: write", ("customers", "cus_connectorprobe")),
    ("Invoices: write", ("invoices", "in_connectorprobe")),
    ("Webhook endpoints: write", ("webhook_endpoints", "we_connectorprobe")),
    ("Payment records: write", ("payment_records", "pr_connectorprobe", "report_refund")),
)
# Complete bodies: an incomplete one might be refused before anybody asks what the key may do.
_PROBE = {"metadata": {"probe": "1"}}
_PROBE_REFUND = _PROBE | {
    "outcome": "refunded",
    "processor_details": {"type": "custom", "custom": {"refund_reference": "probe"}},
}


class AccountCalls(StripeApi):
    """Operations stripe.account.get, stripe.balance.get and stripe.probe.*."""

    @property
    def key_is_live(self) -> bool:
        """The mode that the key's prefix claims; `balance_mode` asks Stripe."""
        return self._api_key[2:].startswith("_live_")

    def account(self) -> StripeAccount:
        """The account of this key.

        A restricted key often may not read its own account. The refusal names the account all the
        same ("on account 'acct_...'"), so its id is taken from there; "" if it is not named.
        """
        try:
            return self.read("stripe.account.get", path_to("account"), self._to_account)
        except CredentialRejected as error:
            if error.status != 403:
                raise
            named = _ACCOUNT_ID.search(error.message)
        return StripeAccount(
            account_id=named[0] if named else "",
            name="",
            country="",
            default_currency="",
            livemode=self.key_is_live,
        )

    def _to_account(self, source: Fields) -> StripeAccount:
        settings = source.child_or_none("settings")
        dashboard = settings.child_or_none("dashboard") if settings else None
        profile = source.child_or_none("business_profile")
        shown = dashboard.text_or_empty("display_name") if dashboard else ""
        return StripeAccount(
            account_id=source.text("id"),
            name=shown or (profile.text_or_empty("name") if profile else ""),
            country=source.text_or_empty("country"),
            default_currency=source.text_or_empty("default_currency").upper(),
            livemode=self.key_is_live,
        )

    def balance_mode(self) -> bool:
        """Whether the key works on live money. Raises CredentialRejected if it does not work."""
        return self.read(
            "stripe.balance.get", path_to("balance"), lambda source: source.flag("livemode")
        )

    def probe_permissions(self) -> tuple[PermissionCheck, ...]:
        """Try, without changing anything, every area that the product needs."""
        return (
            *(self._probe_read(area, name, listed=listed) for area, name, listed in READ_PROBES),
            *(self._probe_write(area, parts) for area, parts in WRITE_PROBES),
        )

    def _probe_read(self, area: str, name: str, *, listed: bool) -> PermissionCheck:
        params = {"limit": 1} if listed else {}
        try:
            self.read(f"stripe.probe.{name}", path_to(name), _ignore, params=params)
        except ConnectorError as error:
            return PermissionCheck(area=area, ok=False, message=error.message)
        return PermissionCheck(area=area, ok=True, message="")

    def _probe_write(self, area: str, parts: tuple[str, ...]) -> PermissionCheck:
        try:
            self.write(
                f"stripe.probe.{parts[0]}",
                path_to(*parts),
                _ignore,
                body=_PROBE_REFUND if "report_refund" in parts else _PROBE,
                idempotency_key=f"probe:{uuid.uuid4()}",
            )
        except VendorRefused:
            return PermissionCheck(area=area, ok=True, message="")
        except ConnectorError as error:
            return PermissionCheck(area=area, ok=False, message=error.message)
        return PermissionCheck(area=area, ok=True, message="")


def _ignore(_source: Fields) -> None:
    return None
