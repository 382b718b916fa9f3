"""The account itself, and Checkout sessions, which are only read."""

from sandbox.stripe.context import Context
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.types import Obj


def read_account(ctx: Context, call: Call) -> Obj:
    """GET /v1/account."""
    del call
    account = ctx.account
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "mcc": "7392",
            "name": account.name,
            "product_description": None,
            "support_address": None,
            "support_email": account.email,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": account.country,
        "created": account.created,
        "default_currency": account.default_currency,
        "details_submitted": True,
        "email": account.email,
        "metadata": {},
        "payouts_enabled": True,
        "settings": account_settings(account.name),
        "type": "standard",
    }


def account_settings(name: str) -> Obj:
    """Give the settings that an account answers."""
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": name[:22].upper(),
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
    }


def list_sessions(ctx: Context, call: Call) -> Listing:
    """GET /v1/checkout/sessions."""
    equal = ("customer", "payment_intent", "payment_link", "status")
    email = (call.get("customer_details") or {}).get("email")
    rows = [
        row
        for row in newest_first(ctx.account, "checkout.session")
        if all(call.get(name) in (None, row[name]) for name in equal)
        and email in (None, row["customer_details"]["email"])
        and call.get("subscription") is None
    ]
    return Listing(rows, "/v1/checkout/sessions")


def session_for(ctx: Context, intent: Obj, *, email: str | None, link: bool) -> Obj:
    """Keep the Checkout session through which a payment was made."""
    return ctx.account.add(
        {
            "id": ctx.ids.make("cs"),
            "object": "checkout.session",
            "amount_subtotal": intent["amount"],
            "amount_total": intent["amount"],
            "automatic_tax": {"enabled": False, "liability": None, "status": None},
            "client_reference_id": None,
            "created": ctx.now,
            "currency": intent["currency"],
            "custom_fields": [],
            "custom_text": {},
            "customer": intent["customer"],
            "customer_details": {
                "address": None,
                "email": email,
                "name": None,
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
            "customer_email": email,
            "expires_at": ctx.now + 86_400,
            "invoice": None,
            "livemode": ctx.account.livemode,
            "metadata": dict(intent["metadata"]),
            "mode": "payment",
            "payment_intent": intent["id"],
            "payment_link": ctx.ids.make("plink") if link else None,
            "payment_method_types": ["card"],
            "payment_status": "paid",
            "shipping_options": [],
            "status": "complete",
            "subscription": None,
            "success_url": "https://shop.example/thanks",
            "url": None,
        }
    )


SESSIONS = "/v1/checkout/sessions"
OPERATIONS = [
    Operation("GET", "/v1/account", read_account, "accounts_kyc_basic"),
    Operation("GET", SESSIONS, list_sessions, "checkout_session"),
    Operation(
        "GET",
        f"{SESSIONS}/{{session}}",
        retrieve("checkout.session", "session"),
        "checkout_session",
    ),
]
