"""One authorised call to a FreshBooks account: gate, token, request, envelope, record.

Every method of the client goes through `FreshBooksApi.call`. What a resource looks like is in
`parsing`; how failures are told apart is in `envelopes` and `connector.vendors.http`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import requests

from connector.errors import NotRepresentable, OutcomeUnknown, VendorContractBroken
from connector.vendors.freshbooks.envelopes import VENDOR, Family, read_success, request_id_of
from connector.vendors.freshbooks.tokens import (
    REFUSED_AGAIN,
    AccessToken,
    AccessTokenRejected,
    TokenSource,
)
from connector.vendors.gate import CallGate, gated_call
from connector.vendors.http import READS, HttpDoor, HttpRequest, Limits
from connector.vendors.reading import Fields

Result = TypeVar("Result")
USER_AGENT = "ml-connector"
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: its stable name for the gate, and what goes over the wire."""

    operation: str
    method: str
    path: str
    family: Family = Family.ACCOUNTING
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that a lost answer is harmless."""
        return self.method in READS


class FreshBooksApi:
    """Calls to one account with one grant. Not shared between tenants."""

    def __init__(
        self,
        *,
        base_url: str,
        account_id: str,
        tokens: TokenSource,
        gate: CallGate,
        session: requests.Session | None = None,
        limits: Limits | None = None,
    ) -> None:
        if _ACCOUNT_ID.fullmatch(account_id) is None:
            raise ValueError("A FreshBooks account id is a short word of letters and digits.")
        self.account_id = account_id
        self._door = HttpDoor(vendor=VENDOR, base_url=base_url, session=session, limits=limits)
        self._tokens = tokens
        self._gate = gate

    def call(self, call: Call, parse: Callable[[Fields], Result]) -> Result:
        """Make the call and turn its success into a record.

        On a 401 the token source is asked once for a newer token and the call is made once more:
        a 401 did nothing, so this is safe for writes as well.
        """
        token = self._tokens.current()
        try:
            return self._attempt(call, token, parse)
        except AccessTokenRejected:
            pass  # outside "except", so that a second failure does not drag the first along
        newer = self._tokens.after_rejection(token)
        try:
            return self._attempt(call, newer, parse)
        except AccessTokenRejected as error:
            error.code = REFUSED_AGAIN  # each API has its own word for it; by ours work is released
            raise

    def _attempt(self, call: Call, token: AccessToken, parse: Callable[[Fields], Result]) -> Result:
        with gated_call(
            self._gate, vendor=VENDOR, operation=call.operation, method=call.method
        ) as progress:
            answer = self._door.send(self._request(call, token))
            progress.status = answer.status
            progress.request_id = request_id_of(answer)
            success = read_success(
                answer, family=call.family, operation=call.operation, is_read=call.is_read
            )
            return parsed_or_unknown(call, success, parse)

    def _request(self, call: Call, token: AccessToken) -> HttpRequest:
        headers = {
            "Authorization": f"Bearer {token.value}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        body = None
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(call.body).encode()
        query = f"?{urlencode(call.query)}" if call.query else ""
        return HttpRequest(
            method=call.method,
            url=f"{self._door.base_url}{call.path}{query}",
            headers=headers,
            body=body,
            operation=call.operation,
        )


def parsed_or_unknown(call: Call, success: Fields, parse: Callable[[Fields], Result]) -> Result:
    """The record; a write whose answer makes no sense may have happened: OutcomeUnknown."""
    try:
        return parse(success)
    except (VendorContractBroken, NotRepresentable) as error:
        if call.is_read:
            raise
        raise OutcomeUnknown(
            error.message, vendor=VENDOR, operation=call.operation, field=error.field
        ) from error
