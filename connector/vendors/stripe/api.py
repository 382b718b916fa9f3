"""One call to a Stripe account: gate, request, error table, record.

Every method of the client goes through `StripeApi.read`, `write` or `delete`. A write cannot be made
without an idempotency key of ours: the package would make up a random one, which protects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import stripe

from connector.errors import ConnectorError, NotRepresentable, OutcomeUnknown, VendorContractBroken
from connector.vendors.gate import CallGate, CallProgress, gated_call
from connector.vendors.http import HttpDoor, Limits
from connector.vendors.reading import Fields
from connector.vendors.stripe.errors import (
    VENDOR,
    rate_limited_reason_of,
    request_id_of,
    to_connector_error,
)
from connector.vendors.stripe.http import Exchange, client_for

Result = TypeVar("Result")
Body = Mapping[str, Any]
MAX_KEY = 255
_API_KEY = re.compile(r"(?:sk|rk)_[A-Za-z0-9_]{1,250}", re.ASCII)
# Names that the package takes for its own options when they stand among the parameters.
RESERVED = frozenset(
    {
        "api_key",
        "base",
        "content_type",
        "headers",
        "idempotency_key",
        "max_network_retries",
        "method_",
        "stripe_account",
        "stripe_context",
        "stripe_version",
        "url_",
        "usage",
    }
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: its stable name for the gate, and what goes over the wire."""

    operation: str
    method: str
    path: str
    params: Body = field(default_factory=dict)
    idempotency_key: str = ""

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that a lost answer is harmless."""
        return self.method == "get"


class StripeApi:
    """Calls to one account with one key. Holds no global state."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        gate: CallGate,
        session: requests.Session | None = None,
        limits: Limits | None = None,
    ) -> None:
        if _API_KEY.fullmatch(api_key) is None:
            raise ValueError("A Stripe key starts with sk_ or rk_ (a pk_ key cannot be used).")
        self._api_key = api_key
        self._gate = gate
        self._door = HttpDoor(vendor=VENDOR, base_url=base_url, session=session, limits=limits)

    def read(
        self,
        operation: str,
        path: str,
        parse: Callable[[Fields], Result],
        *,
        params: Body | None = None,
    ) -> Result:
        """GET something and turn it into a record."""
        return self._call(
            Call(operation=operation, method="get", path=path, params=params or {}), parse
        )

    def write(
        self,
        operation: str,
        path: str,
        parse: Callable[[Fields], Result],
        *,
        body: Body,
        idempotency_key: str,
    ) -> Result:
        """POST something under our own idempotency key and turn the answer into a record."""
        if not 0 < len(idempotency_key) <= MAX_KEY:
            raise ValueError("An idempotency key of 1 to 255 characters is needed.")
        call = Call(
            operation=operation,
            method="post",
            path=path,
            params=body,
            idempotency_key=idempotency_key,
        )
        return self._call(call, parse)

    def delete(self, operation: str, path: str) -> None:
        """DELETE something; doing it twice ends in VendorNotFound, never in a second effect."""
        self._call(Call(operation=operation, method="delete", path=path), _deleted)

    def _call(self, call: Call, parse: Callable[[Fields], Result]) -> Result:
        with gated_call(
            self._gate, vendor=VENDOR, operation=call.operation, method=call.method.upper()
        ) as progress:
            return _parsed_or_unknown(call, self._exchange(call, progress), parse)

    def _exchange(self, call: Call, progress: CallProgress) -> Fields:
        """The success of a call. Errors of the package never leave: they hold the whole answer."""
        if not RESERVED.isdisjoint(call.params):
            raise ValueError(f"{call.operation}: a parameter has a reserved name.")
        exchange = Exchange(self._door, operation=call.operation)
        client = client_for(exchange, api_key=self._api_key, base_url=self._door.base_url)
        options = {"idempotency_key": call.idempotency_key} if call.idempotency_key else {}
        data: object = None
        try:
            data = client.raw_request(call.method, call.path, **call.params, **options).data
        except stripe.StripeError:
            pass  # judged below, by the answer itself
        finally:
            _note(progress, exchange)
        if not isinstance(data, dict):
            raise _failure(call, exchange)
        return Fields(VENDOR, call.operation, data)


def _note(progress: CallProgress, exchange: Exchange) -> None:
    if exchange.answer is not None:
        progress.status = exchange.answer.status
        progress.request_id = request_id_of(exchange.answer)
        progress.rate_limited_reason = rate_limited_reason_of(exchange.answer)


def _failure(call: Call, exchange: Exchange) -> ConnectorError:
    if exchange.answer is None:
        return VendorContractBroken(
            "Stripe's client refused to send this.", vendor=VENDOR, operation=call.operation
        )
    return to_connector_error(exchange.answer, operation=call.operation, is_read=call.is_read)


def _parsed_or_unknown(call: Call, success: Fields, parse: Callable[[Fields], Result]) -> Result:
    """The record; a write whose answer makes no sense may have happened: OutcomeUnknown."""
    try:
        return parse(success)
    except (VendorContractBroken, NotRepresentable) as error:
        if call.is_read:
            raise
        raise OutcomeUnknown(
            error.message, vendor=VENDOR, operation=call.operation, field=error.field
        ) from error


def _deleted(source: Fields) -> None:
    if not source.flag_or_false("deleted"):
        raise source.broken("deleted", expected="true", found=source.data.get("deleted"))


def path_to(*parts: str) -> str:
    """A path below /v1. Ids are quoted: they also come from metadata, which anybody may edit."""
    if not all(parts) or any(part in {".", ".."} for part in parts):
        raise ValueError("An id in a Stripe path is empty or no id.")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
