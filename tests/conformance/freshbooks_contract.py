"""What FreshBooks documents, as tables: paths, query keys, writable body fields, payment types.

Written down from FreshBooks' reference pages and its published samples, for `freshbooks_requests`.
"""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT = r"[A-Za-z0-9_-]+"
RECORD = r"\d+"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One documented call: what may stand in its query and its body."""

    method: str
    path: str  # a pattern
    search: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    paged: bool = False
    wrapper: str = ""  # the key that the body's fields stand under
    fields: frozenset[str] = frozenset()
    form: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLIENTS = rf"/accounting/account/{ACCOUNT}/users/clients"
INVOICES = rf"/accounting/account/{ACCOUNT}/invoices/invoices"
PAYMENTS = rf"/accounting/account/{ACCOUNT}/payments/payments"
CALLBACKS = rf"/events/account/{ACCOUNT}/events/callbacks"

CLIENT_SEARCH = _words(
    "userid userids[] email username vis_state updated_min updated_max fname_like lname_like "
    "organization_like email_like address_like note_like phone_like user_like has_credit has_draft "
    "has_outstanding has_overdue"
)
INVOICE_SEARCH = _words(
    "invoiceid invoiceids[] invoice_number invoice_number_like customerid customerids[] date_min "
    "date_max updated_min updated_max v3_status paid outstanding vis_state"
)
PAYMENT_SEARCH = _words(
    "logid logids[] invoiceid clientid clientids[] customerid customerids[] date_min date_max "
    "updated_min updated_max amount_min amount_max type currency notes from_credit client_name "
    "number payment_or_credit"
)
CLIENT_INCLUDES = _words(
    "outstanding_balance credit_balance draft_balance overdue_balance grand_total_balance "
    "last_activity late_reminders late_fee"
)
INVOICE_INCLUDES = _words(
    "lines presentation allowed_gateways direct_links late_reminders late_fee owner contacts system "
    "audit_logs attachments payment_schedule client_audits invoice_profile"
)
PAYMENT_INCLUDES = _words("client invoice credit_note order gateway")
PAYMENT_FIELDS = _words("invoiceid amount date type note send_client_notification vis_state")
CALLBACK_FIELDS = _words("event uri verifier resend callback_id")
APP_FIELDS = _words("client_id client_secret grant_type redirect_uri")

PAYMENT_TYPES = frozenset(
    {
        *("Check", "Credit", "Cash", "Bank Transfer", "Credit Card", "Debit", "PayPal"),
        *("2Checkout", "VISA", "MASTERCARD", "DISCOVER", "AMEX", "DINERS", "JCB", "ACH", "Other"),
    }
)
CALLBACK_EVENTS = frozenset(
    f"{noun}.{verb}"
    for noun in (
        *("bill", "bill_vendor", "category", "client", "credit_note", "estimate", "expense"),
        *("invoice", "item", "payment", "project", "recurring", "service", "tax", "time_entry"),
    )
    for verb in ("create", "update", "delete")
) | {"invoice.sendByEmail", "estimate.sendByEmail"}

OPERATIONS = (
    Operation(
        method="GET", path=CLIENTS, search=CLIENT_SEARCH, includes=CLIENT_INCLUDES, paged=True
    ),
    Operation(method="GET", path=f"{CLIENTS}/{RECORD}", includes=CLIENT_INCLUDES),
    Operation(
        method="GET", path=INVOICES, search=INVOICE_SEARCH, includes=INVOICE_INCLUDES, paged=True
    ),
    Operation(method="GET", path=f"{INVOICES}/{RECORD}", includes=INVOICE_INCLUDES),
    Operation(
        method="GET", path=PAYMENTS, search=PAYMENT_SEARCH, includes=PAYMENT_INCLUDES, paged=True
    ),
    Operation(method="GET", path=f"{PAYMENTS}/{RECORD}", includes=PAYMENT_INCLUDES),
    Operation(method="POST", path=PAYMENTS, wrapper="payment", fields=PAYMENT_FIELDS),
    Operation(method="PUT", path=f"{PAYMENTS}/{RECORD}", wrapper="payment", fields=PAYMENT_FIELDS),
    Operation(method="GET", path=CALLBACKS, search=_words("event"), paged=True),
    Operation(method="POST", path=CALLBACKS, wrapper="callback", fields=CALLBACK_FIELDS),
    Operation(
        method="PUT", path=f"{CALLBACKS}/{RECORD}", wrapper="callback", fields=CALLBACK_FIELDS
    ),
    Operation(method="DELETE", path=f"{CALLBACKS}/{RECORD}"),
    Operation(method="GET", path=rf"/payments/account/{ACCOUNT}/gateway"),
    Operation(method="GET", path=rf"/payments/account/{ACCOUNT}/invoice/{RECORD}/payment_options"),
    Operation(method="GET", path="/auth/api/v1/users/me"),
    Operation(
        method="POST",
        path="/auth/oauth/token",
        form=APP_FIELDS | _words("code code_verifier refresh_token"),
    ),
    Operation(
        method="POST", path="/auth/oauth/revoke", form=_words("client_id client_secret token")
    ),
)
