"""Ways to pay, as charges describe them, and the tokens of Stripe's test mode."""

from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.types import Obj

# Methods whose money arrives days later.
DELAYED = frozenset({"us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "acss_debit"})
# Test payment method -> how it pays and what comes of it.
TEST_METHODS = {
    "pm_card_visa": ("card", "succeeds"),
    "pm_card_mastercard": ("card", "succeeds"),
    "pm_card_chargeDeclined": ("card", "declined"),
    "pm_card_visa_chargeDeclined": ("card", "declined"),
    "pm_usBankAccount": ("us_bank_account", "processing"),
    "pm_usBankAccount_success": ("us_bank_account", "processing"),
}
CARD = {
    "amount_authorized": None,
    "authorization_code": None,
    "brand": "visa",
    "checks": {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": "pass",
    },
    "country": "US",
    "exp_month": 8,
    "exp_year": 2032,
    "funding": "credit",
    "installments": None,
    "last4": "4242",
    "mandate": None,
    "network": "visa",
    "network_transaction_id": None,
    "regulated_status": None,
    "three_d_secure": None,
    "wallet": None,
}
DETAILS: dict[str, Obj] = {
    "card": CARD,
    "us_bank_account": {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "last4": "6789",
        "mandate": None,
        "routing_number": "110000000",
    },
    "sepa_debit": {
        "bank_code": "37040044",
        "branch_code": None,
        "country": "DE",
        "last4": "3000",
        "mandate": None,
    },
    "customer_balance": {},
}


def details(ctx: Context, method: str) -> Obj:
    """Give the `payment_method_details` of a charge."""
    described = dict(DETAILS.get(method, {}))
    if method in ("card", "us_bank_account", "sepa_debit"):
        described["fingerprint"] = ctx.ids.token(16)
    return {"type": method, method: described}


def billing_details(ctx: Context, customer_id: str | None) -> Obj:
    """Give who pays, as the customer is known."""
    customer = ctx.account.table("customer").get(customer_id or "") or {}
    empty = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "address": customer.get("address") or empty,
        "email": customer.get("email"),
        "name": customer.get("name"),
        "phone": customer.get("phone"),
        "tax_id": None,
    }


def from_token(token: str, param: str) -> tuple[str, str]:
    """Give what a test payment method does."""
    if token not in TEST_METHODS:
        message = f"No such PaymentMethod: '{token}'"
        raise refuse(message, param=param, code="resource_missing")
    return TEST_METHODS[token]
