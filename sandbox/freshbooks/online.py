"""Online payments: gateway connections and payment options. Flat bodies, no envelope."""

from collections.abc import Callable
from typing import Any

from sandbox.core.vendor import Request, Response, Route
from sandbox.freshbooks.access import Access
from sandbox.freshbooks.accounting import guarded, read_json
from sandbox.freshbooks.book import Account, Invoice
from sandbox.freshbooks.problems import INVALID, UNKNOWN, Problem
from sandbox.freshbooks.world import World

CONTENT_TYPE = "application/vnd.api+json"
_FLAGS = (
    "has_credit_card",
    "has_ach_transfer",
    "has_bacs_debit",
    "has_sepa_debit",
    "has_acss_debit",
    "has_paypal_smart_checkout",
    "allow_partial_payments",
)
_GATEWAYS = ("stripe", "fbpay", "paypal")
_CAPABILITIES = ("card_payments", "us_bank_account_ach_payments", "transfers")


class OnlinePaymentsApi:
    """HTTP for payment options and gateways."""

    def __init__(self, world: World, access: Access) -> None:
        self._world, self._access = world, access

    def routes(self) -> list[Route]:
        """The payments family."""
        base = "/payments/account/{account_id}"
        options = f"{base}/invoice/{{id}}/payment_options"
        return [
            self._route("GET", f"{base}/payment_options", self._defaults),
            self._route("GET", options, self._get),
            self._route("POST", options, self._set),
            self._route("GET", f"{base}/gateway", self._gateway),
        ]

    def _route(
        self, method: str, path: str, handle: Callable[[Account, Request], dict[str, Any]]
    ) -> Route:
        verb = "read" if method == "GET" else "write"

        def answer(request: Request) -> Response:
            caller = self._access.caller(request, "online_payments", verb)
            body = handle(caller.account, request)
            return Response(200, body, content_type=CONTENT_TYPE)

        return Route(method, path, guarded(self._world, answer))

    def _defaults(self, account: Account, request: Request) -> dict[str, Any]:
        if dict(request.query).get("entity_type") != "invoice":
            raise Problem(INVALID, "entity_type must be invoice.")
        connected = account.stripe_gateway is not None
        options = {**dict.fromkeys(_FLAGS, False), "has_credit_card": connected}
        gateway = "Stripe" if connected else None
        return {"payment_options": {"gateway_name": gateway, **options, "entity_type": "invoice"}}

    def _get(self, account: Account, request: Request) -> dict[str, Any]:
        return _shown(self._invoice(account, request))

    def _set(self, account: Account, request: Request) -> dict[str, Any]:
        invoice = self._invoice(account, request)
        data = read_json(request.body)
        # A wrapped body is answered with 200 and does nothing, as in the original.
        if isinstance(data, dict) and "gateway_name" in data:
            set_payment_options(invoice, data)
        return _shown(invoice)

    def _gateway(self, account: Account, _request: Request) -> dict[str, Any]:
        unified = account.stripe_gateway
        if unified is None:
            return {"gateway_connections": []}
        return {
            "gateway_connections": [{"stripe": None, "stripe_unified": unified, "paypal": None}]
        }

    def _invoice(self, account: Account, request: Request) -> Invoice:
        text = request.params["id"]
        invoice = account.invoices.get(int(text)) if text.isascii() and text.isdigit() else None
        if invoice is None:
            raise Problem(UNKNOWN, "Resource not found")
        return invoice


def set_payment_options(invoice: Invoice, data: dict[str, Any]) -> None:
    """Switch online payment for one invoice."""
    if str(data.get("gateway_name")).casefold() not in _GATEWAYS:
        raise Problem(INVALID, f"gateway_name must be one of {', '.join(_GATEWAYS)}.")
    flags = {name: bool(data.get(name, False)) for name in _FLAGS}
    invoice.payment_options = {"gateway_name": data["gateway_name"], **flags}


def stripe_connection(stripe_account_id: str, country: str) -> dict[str, Any]:
    """FreshBooks' own connection to a Stripe account, as `stripe_unified` shows it."""
    return {
        "id": stripe_account_id.removeprefix("acct_").ljust(32, "0")[:32],
        "stripe_account_id": stripe_account_id,
        "country": country,
        "publishable_key": "pk_test_sandbox",
        "available_onboarding_strategies": ["hosted"],
        "stripe_requirements_current_deadline": None,
        "stripe_charges_enabled": True,
        "stripe_payouts_enabled": True,
        "stripe_payouts_schedule_interval": "daily",
        "stripe_payouts_schedule_delay_days": 7,
        "stripe_email": "owner@example.com",
        "has_currently_due_requirements": False,
        "has_pending_verifications": False,
        "charges_first_enabled_at": None,
        "payouts_first_enabled_at": None,
        "stripe_tos_accepted_date": None,
        "account_status": "fully_enabled",
        "stripe_account_updated_at": None,
        "onboarding_completion_percent": 100,
        "configuration": {},
        "capabilities": [{"capability": name, "is_active": True} for name in _CAPABILITIES],
    }


def _shown(invoice: Invoice) -> dict[str, Any]:
    options = invoice.payment_options or {"gateway_name": None, **dict.fromkeys(_FLAGS, False)}
    return {
        "payment_options": {
            **options,
            "stripe_acss_payment_options": None,
            "entity_type": "invoice",
            "entity_id": str(invoice.id),
            "gateway_info": None,
        }
    }
