"""Every vendor call is asked for before and told of afterwards, whatever became of it."""

from __future__ import annotations

import pytest

from connector.errors import (
    AmountNotRepresentable,
    ConnectorError,
    CredentialRejected,
    GrantLost,
    OutcomeUnknown,
    VendorContractBroken,
    VendorNotFound,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.vendors.gate import OpenGate, gated_call, outcome_of
from tests.vendors.local_server import RecordingGate


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (VendorRefused("no"), "refused"),
        (VendorNotFound("no"), "refused"),
        (CredentialRejected("no"), "refused"),
        (GrantLost("no"), "refused"),
        (VendorRateLimited("later"), "rate_limited"),
        (VendorUnavailable("down"), "unavailable"),
        (VendorUnavailable("down", status=503), "unavailable"),
        (VendorUnavailable("busy object", status=409), "refused"),
        (OutcomeUnknown("lost"), "unknown"),
        (VendorContractBroken("odd"), "broken"),
        (AmountNotRepresentable("odd"), "broken"),
    ],
)
def test_each_error_has_its_word(error: ConnectorError, outcome: str) -> None:
    gate = RecordingGate()
    with (
        pytest.raises(type(error)),
        gated_call(gate, vendor="stripe", operation="stripe.x.y", method="POST"),
    ):
        raise error
    assert outcome_of(error) == outcome
    assert gate.outcomes == [outcome]


def test_a_success_is_told_with_what_was_learned() -> None:
    gate = RecordingGate()
    with gated_call(gate, vendor="stripe", operation="stripe.x.y", method="GET") as progress:
        progress.status, progress.request_id = 200, "req_1"
    (report,) = gate.reports
    assert (report.outcome, report.status, report.request_id) == ("ok", 200, "req_1")
    assert (report.vendor, report.operation, report.method) == ("stripe", "stripe.x.y", "GET")
    assert report.duration_ms >= 0


def test_a_call_that_the_gate_refuses_never_happens_and_is_not_told() -> None:
    gate = RecordingGate()
    gate.refusal = VendorRateLimited("empty", retry_after_s=3)
    with (
        pytest.raises(VendorRateLimited),
        gated_call(gate, vendor="stripe", operation="stripe.x.y", method="GET"),
    ):
        pytest.fail("the call was made")
    assert gate.reports == []


def test_a_bug_in_our_own_code_is_told_too() -> None:
    gate = RecordingGate()
    with (
        pytest.raises(ZeroDivisionError),
        gated_call(gate, vendor="stripe", operation="stripe.x.y", method="GET"),
    ):
        raise ZeroDivisionError
    assert gate.outcomes == ["broken"]


def test_the_open_gate_lets_everything_pass() -> None:
    with gated_call(OpenGate(), vendor="stripe", operation="stripe.x.y", method="GET") as progress:
        progress.status = 200
    assert progress.status == 200
