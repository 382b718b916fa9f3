"""Refusals, in Stripe's words. Texts are as recorded or quoted from the live API where known."""

from sandbox.stripe.types import Obj

INVALID_REQUEST = "invalid_request_error"


class StripeRefusedError(Exception):
    """A request that is answered with an error body."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.extra: Obj = {}

    def body(self, request_id: str) -> Obj:
        """The JSON answer; `code` and `param` appear only when there is one."""
        error: Obj = {"type": self.kind, "message": self.message, **self.extra}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = "https://stripe.com/docs/error-codes/" + self.code.replace("_", "-")
        if self.param is not None:
            error["param"] = self.param
        if self.kind != "api_error":
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


class InvalidParametersError(StripeRefusedError):
    """A request refused before it begins: such an answer is not kept for its idempotency key."""


def refuse(
    message: str, *, param: str | None = None, code: str | None = None
) -> StripeRefusedError:
    """Give the refusal of a request that is well-formed but not possible now."""
    return StripeRefusedError(message, param=param, code=code)


def no_such(kind: str, object_id: str, *, param: str, in_path: bool) -> StripeRefusedError:
    """Give the refusal for an unknown id: 404 in the path, 400 anywhere else."""
    return StripeRefusedError(
        f"No such {kind}: '{object_id}'",
        status=404 if in_path else 400,
        code="resource_missing",
        param=param,
    )


def unauthorized(message: str, *, code: str | None = None) -> StripeRefusedError:
    """Give the refusal of a key."""
    return StripeRefusedError(message, status=401, code=code)


def card_declined(message: str = "Your card was declined.") -> StripeRefusedError:
    """Give the refusal of a payment by the card's bank."""
    declined = StripeRefusedError(message, status=402, kind="card_error", code="card_declined")
    declined.extra = {"decline_code": "generic_decline"}
    return declined
