"""What may be written on an invoice, what may not, and what it starts with."""

from typing import Any

from sandbox.freshbooks.fields import (
    LONG_LIMIT,
    Check,
    boolean,
    calendar_date,
    currency,
    email,
    integer,
    not_negative,
    optional_date,
    percent,
    text,
)

SNAPSHOT = {
    "fname": "fname",
    "lname": "lname",
    "organization": "organization",
    "street": "p_street",
    "street2": "p_street2",
    "city": "p_city",
    "province": "p_province",
    "code": "p_code",
    "country": "p_country",
    "vat_name": "vat_name",
    "vat_number": "vat_number",
    "language": "language",
    "email": "email",
}
DEFAULTS: dict[str, Any] = {
    "address": "",
    "notes": "",
    "terms": None,
    "po_number": None,
    "template": "clean-grouped",
    "discount_description": None,
    "auto_bill": False,
    "fulfillment_date": None,
    "return_uri": None,
    "show_attachments": False,
}
CHECKS: dict[str, Check] = {
    **{name: text() for name in SNAPSHOT},
    "vat_name": text(empty=None),
    "email": email,
    "address": text(),
    "notes": text(LONG_LIMIT),
    "terms": text(LONG_LIMIT, empty=None),
    "po_number": text(empty=None),
    "template": text(),
    "discount_description": text(empty=None),
    "auto_bill": boolean,
    "fulfillment_date": optional_date,
    "return_uri": text(empty=None),
    "show_attachments": boolean,
    "customerid": integer,
    "invoice_number": text(),
    "create_date": calendar_date,
    "due_offset_days": not_negative,
    "currency_code": currency,
    "discount_value": percent,
    "deposit_percentage": percent,
}
TOLERATED = frozenset(
    {"allowed_gatewayids", "basecampid", "estimateid", "ext_archive", "generation_date", "gmail"}
    | {"ownerid", "parent", "payment_details", "presentation", "use_default_presentation"}
)
"""Sent by the official SDKs, of no consequence here."""
READ_ONLY = frozenset(
    {
        "amount",
        "paid",
        "outstanding",
        "discount_total",
        "payment_status",
        "v3_status",
        "display_status",
        "deposit_status",
        "autobill_status",
        "date_paid",
        "created_at",
        "updated",
    }
)
