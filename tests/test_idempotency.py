"""Names for writes are stable, distinct and never made from content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.idempotency import MAX_KEY_LENGTH, body_hash, find_marker, key, payment_marker

WRITE: dict[str, Any] = {
    "tenant_id": 7,
    "vendor_account": "acct_1Qx",
    "operation": "invoice.create",
    "entity": "invoice:2903314",
    "revision": 2,
    "step": "create",
}
SECRET = b"a secret of the installation"


def test_key_is_readable_and_stays_what_it_was() -> None:
    # A changed key would let Stripe create everything in flight a second time: never change this.
    assert key(**WRITE) == (
        "mlc1:invoice.create:invoice:2903314:r2:create:"
        "53f48589b4cbcd91b27b2a9019275f5b83e788743f711e0d0a4ff677137749fb"
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("tenant_id", 8),
        ("vendor_account", "acct_2"),
        ("operation", "invoice.void"),
        ("entity", "invoice:2903315"),
        ("revision", 3),
        ("step", "lines-1"),
        ("version", 2),
    ],
)
def test_every_part_changes_the_key(name: str, other: object) -> None:
    assert key(**WRITE | {name: other}) != key(**WRITE)


def test_parts_do_not_run_into_each_other() -> None:
    one = key(**WRITE | {"operation": "a:b", "entity": "c"})
    two = key(**WRITE | {"operation": "a", "entity": "b:c"})
    assert one != two


def test_long_and_strange_parts_stay_within_the_limit_and_distinct() -> None:
    long = "Ünïcödé \x00\n" * 1000
    keys = {key(**WRITE | {"entity": long + end}) for end in ("a", "b")}
    assert len(keys) == 2
    for text in keys:
        assert len(text) <= MAX_KEY_LENGTH
        assert text.isascii()
        assert text.isprintable()


def test_marker_is_found_in_a_note() -> None:
    marker = payment_marker(secret=SECRET, intent="intent-1")
    assert marker == payment_marker(secret=SECRET, intent="intent-1")
    assert len(marker) == len("[mlc:]") + 16
    assert find_marker(f"Stripe pi_1 inpay_1 {marker}") == marker
    assert find_marker(f"{marker} edited by the owner, 50 €") == marker


def test_marker_depends_on_intent_and_secret() -> None:
    marker = payment_marker(secret=SECRET, intent="intent-1")
    assert payment_marker(secret=SECRET, intent="intent-2") != marker
    assert payment_marker(secret=b"other", intent="intent-1") != marker


@pytest.mark.parametrize(
    "note",
    ["", "mlc:ABCDEFGHIJKLMNOP", "[mlc:]", "[mlc:abcdefghijklmnop]", "[mlc:SHORT]", "[mlc:A B]"],
)
def test_other_notes_have_no_marker(note: str) -> None:
    assert find_marker(note) is None


def test_marker_needs_secret_and_intent() -> None:
    with pytest.raises(ValueError, match="secret"):
        payment_marker(secret=b"", intent="intent-1")
    with pytest.raises(ValueError, match="secret"):
        payment_marker(secret=SECRET, intent="")


def test_body_hash_ignores_the_order_of_keys_only() -> None:
    assert body_hash({"a": 1, "b": [1, 2]}) == body_hash({"b": [1, 2], "a": 1})
    assert body_hash({"b": [1, 2]}) != body_hash({"b": [2, 1]})
    assert body_hash({"a": 1}) != body_hash({"a": "1"})
    assert body_hash({"name": "é"}) != body_hash({"name": "e"})
    with pytest.raises(ValueError, match="JSON"):
        body_hash({"a": float("nan")})


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1), st.text(), st.text())
def test_any_intent_makes_a_marker_that_any_note_carries(
    intent: str, before: str, after: str
) -> None:
    marker = payment_marker(secret=SECRET, intent=intent)
    found = find_marker(f"{before} {marker} {after}")
    assert found == (find_marker(before) or marker)
