"""Typed reading tells where, what was expected and what was found, and never the value."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from connector.errors import VendorContractBroken
from connector.vendors.reading import Fields, kind_of, parse_json


def fields(**data: object) -> Fields:
    return Fields.of(data, vendor="stripe", where="thing")


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda f: f.text("k"), None),
        (lambda f: f.text("k"), ""),
        (lambda f: f.text("k"), 5),
        (lambda f: f.text_or_empty("k"), True),
        (lambda f: f.text_or_empty("k"), {}),
        (lambda f: f.integer("k"), None),
        (lambda f: f.integer("k"), True),
        (lambda f: f.integer("k"), "1.5"),
        (lambda f: f.integer("k"), "٣"),
        (lambda f: f.integer("k"), "9" * 20),
        (lambda f: f.integer("k"), Decimal("1.5")),
        (lambda f: f.integer_or_none("k"), "x"),
        (lambda f: f.flag("k"), None),
        (lambda f: f.flag("k"), "true"),
        (lambda f: f.flag_or_false("k"), 1),
        (lambda f: f.decimal("k"), None),
        (lambda f: f.decimal("k"), ""),
        (lambda f: f.decimal("k"), "1,5"),
        (lambda f: f.decimal("k"), "NaN"),
        (lambda f: f.decimal("k"), "1e5"),
        (lambda f: f.decimal("k"), " 1"),
        (lambda f: f.decimal("k"), "1_0"),
        (lambda f: f.decimal("k"), True),
        (lambda f: f.decimal("k"), Decimal("1E+999999")),
        (lambda f: f.decimal_or_zero("k"), "x"),
        (lambda f: f.child("k"), []),
        (lambda f: f.child_or_none("k"), "x"),
        (lambda f: f.children("k"), {}),
        (lambda f: f.children("k"), ["x"]),
        (lambda f: f.items("k"), None),
    ],
)
def test_a_wrong_value_breaks_the_contract(read: Callable[[Fields], object], found: object) -> None:
    with pytest.raises(VendorContractBroken, match=r"^stripe answered thing\.k") as raised:
        read(fields(k=found))
    assert raised.value.vendor == "stripe"


def test_the_message_never_carries_the_value() -> None:
    with pytest.raises(VendorContractBroken) as raised:
        fields(email="ann@private.example").integer("email")
    assert str(raised.value) == (
        "stripe answered thing.email: expected an integer, found a text of 19 characters."
    )
    assert raised.value.field == "email"


def test_what_is_there_is_read() -> None:
    found = fields(
        text="a", number=5, digits="17", flag=True, decimal="1.50", child={"x": 1}, rows=[{}, {}]
    )
    assert found.text("text") == "a"
    assert found.text_or_empty("number") == "5"
    assert (found.integer("number"), found.integer("digits")) == (5, 17)
    assert found.flag("flag") is True
    assert found.decimal("decimal") == Decimal("1.50")
    assert found.decimal("number") == Decimal(5)
    assert found.child("child").integer("x") == 1
    assert [row.where for row in found.children("rows")] == ["thing.rows[0]", "thing.rows[1]"]


def test_what_is_missing_or_null_has_its_stand_in() -> None:
    found = fields(null=None)
    for key in ("null", "missing"):
        assert found.text_or_empty(key) == ""
        assert found.integer_or_none(key) is None
        assert found.flag_or_false(key) is False
        assert found.decimal_or_zero(key) == 0
        assert found.child_or_none(key) is None
        assert found.has(key) is False


@pytest.mark.parametrize(
    "text", [b"", b"<html>", b'{"a":', b'{"a": NaN}', b'{"a": Infinity}', b"\xff", b"[" * 100_000]
)
def test_what_is_not_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - only the class matters to the callers
        parse_json(text)


def test_numbers_with_a_point_stay_exact() -> None:
    assert parse_json(b'{"a": 0.1}') == {"a": Decimal("0.1")}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "a boolean"),
        (1, "a number"),
        (Decimal(1), "a number"),
        ("abc", "a text of 3 characters"),
        ([1], "a list of 1"),
        ({"a": 1}, "an object of 1 fields"),
        (b"", "bytes"),
    ],
)
def test_kinds_are_told_in_words(value: object, words: str) -> None:
    assert kind_of(value) == words


def test_repr_hides_the_data() -> None:
    assert repr(fields(secret="x")) == "Fields('stripe', 'thing')"
