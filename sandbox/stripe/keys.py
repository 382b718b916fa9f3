"""Who calls: finds the account of a key, and checks what a restricted key may do."""

from collections.abc import Iterable, Mapping

from sandbox.core.switches import Switches
from sandbox.stripe.book import Account, ApiKey
from sandbox.stripe.errors import INVALID_REQUEST, StripeRefusedError, unauthorized
from sandbox.stripe.forms import basic_user
from sandbox.stripe.operation import Operation

# Areas whose permission names are not known from any source.
UNNAMED_AREAS = frozenset(
    {"payment_record", "event", "webhook_endpoint", "tax_rate", "payout", "dispute"}
)
NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at "
    "https://support.stripe.com/."
)


def key_of(headers: Mapping[str, str]) -> str:
    """Give the key that a request carries, as Bearer or as the user of Basic."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return basic_user(value.strip())
    return value.strip() if scheme.lower() == "bearer" else ""


def find_account(accounts: Iterable[Account], secret: str) -> tuple[Account, ApiKey]:
    """Give the account and the key. Raises the 401 that Stripe answers."""
    if not secret:
        raise unauthorized(NO_KEY)
    if secret.startswith("pk_"):
        raise unauthorized(
            "This API call cannot be made with a publishable API key. Please use a secret API key. "
            "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
            code="secret_key_required",
        )
    for account in accounts:
        for key in account.keys:
            if key.secret == secret:
                check_status(key)
                return account, key
    raise unauthorized(f"Invalid API Key provided: {ApiKey(secret).masked()}")


def check_status(key: ApiKey) -> None:
    """Refuse a key that was revoked or has expired."""
    if key.status == "expired":
        message = f"Expired API Key provided: {key.masked()}"
        raise unauthorized(message, code="api_key_expired")
    if key.status == "revoked":
        raise unauthorized(f"Invalid API Key provided: {key.masked()}")


def check_permission(account: Account, key: ApiKey, slug: str, switches: Switches) -> None:
    """Refuse, in one of the two texts that are in use, what a restricted key may not do."""
    if key.allows(slug):
        return
    if switches["forbidden_text"] == "on_account":
        message = (
            f"The provided key '{key.masked()}' does not have the required permissions for this "
            f"endpoint on account '{account.id}'. Having the '{slug}' permission would allow this "
            "request to continue."
        )
    else:
        inner = slug.removeprefix("rak_")
        area, _, level = inner.rpartition("_")
        title = area.replace("_", " ").title() + "s"
        message = (
            "Permission denied. The provided key does not have the required permissions for this "
            f"endpoint. Enabling \"{title} {level.title()}\" ('{inner}') permissions on this key "
            "would allow this request to continue."
        )
    raise StripeRefusedError(message, status=403, kind=INVALID_REQUEST)


def needed_permissions(
    operation: Operation, params: Mapping[str, object], switches: Switches
) -> list[str]:
    """Give everything a restricted key needs for a call; some of it is a switch."""
    if operation.area in UNNAMED_AREAS and switches["unnamed_permissions"] == "not_enforced":
        return []
    needed = [operation.permission()]
    lines = params.get("lines")
    mints = isinstance(lines, list) and any("price_data" in line for line in lines)
    if mints and switches["add_lines_permission"] == "product_and_price":
        needed += ["rak_product_write", "rak_plan_write"]
    expand = params.get("expand")
    wants_payments = isinstance(expand, list) and any("payments" in path for path in expand)
    if wants_payments and switches["expand_payments_permission"] == "credit_note_read":
        needed.append("rak_credit_note_read")
    return needed
