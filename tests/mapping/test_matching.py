"""Suggestions for money without an invoice: what speaks for each, and when one is the only one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.matching import (
    MOST_SUGGESTIONS,
    OpenInvoice,
    PaymentToMatch,
    Suggestion,
    suggest,
)
from connector.mapping.references import named_in, named_invoice, words_of
from connector.money import Money

DAY = date(2026, 3, 10)


def cad(minor: int, currency: str = "CAD") -> Money:
    return Money(minor, currency)


def payment(minor: int = 10000, **more: Any) -> PaymentToMatch:
    return PaymentToMatch(**{"amount": cad(minor), "paid_on": DAY, **more})


def invoice(number: int, minor: int = 10000, **more: Any) -> OpenInvoice:
    values: dict[str, Any] = {
        "id": number,
        "freshbooks_id": 900000 + number,
        "number": f"INV-{number:04}",
        "amount": cad(minor),
        "client_id": 1,
        "client_name": "Birch Ltd",
        "client_email": "ap@birch.example",
        "issued_on": date(2026, 3, 1),
        "due_on": date(2026, 3, 31),
    }
    return OpenInvoice(**{**values, **more})


@pytest.mark.parametrize(
    ("paid", "known", "score", "unique", "said"),
    [
        pytest.param(
            payment(client_id=1, named="INV-0007"),
            invoice(7),
            100,
            True,
            "The payment names INV-0007.",
            id="everything",
        ),
        pytest.param(
            payment(named="900007"), invoice(7), 80, True, "names INV-0007", id="id-in-metadata"
        ),
        pytest.param(
            payment(description="for invoice INV-0007, thanks"),
            invoice(7),
            80,
            True,
            "names INV-0007",
            id="number-in-description",
        ),
        pytest.param(
            payment(client_id=1), invoice(7), 55, True, "customer of Birch Ltd", id="customer"
        ),
        pytest.param(
            payment(email=" AP@Birch.example"), invoice(7), 50, True, "e-mail address", id="email"
        ),
        pytest.param(payment(), invoice(7), 35, False, "exactly what is outstanding", id="amount"),
        pytest.param(
            payment(4000, client_id=1), invoice(7), 30, False, "a part payment", id="less"
        ),
        pytest.param(
            payment(12000, client_id=1), invoice(7), 30, False, "would stay unmatched", id="more"
        ),
        pytest.param(
            payment(named="INV-0007", client_id=2),
            invoice(7),
            60,
            False,
            "another client",
            id="named-by-another-client",
        ),
        pytest.param(
            payment(client_id=1, paid_on=date(2026, 6, 1)),
            invoice(7),
            50,
            True,
            "within three months",
            id="late",
        ),
        pytest.param(
            payment(client_id=1, paid_on=date(2027, 6, 1)),
            invoice(7),
            45,
            True,
            "exactly",
            id="old",
        ),
    ],
)
def test_what_speaks_for_an_invoice(
    paid: PaymentToMatch, known: OpenInvoice, score: int, unique: bool, said: str
) -> None:
    (found,) = suggest(paid, [known])
    assert (found.score, found.unique) == (score, unique)
    assert any(said in line for line in found.evidence), found.evidence
    assert found.fits


def test_nothing_speaks_for_a_stranger() -> None:
    assert suggest(payment(1), [invoice(7)]) == ()
    assert suggest(payment(0, client_id=1), [invoice(7)]) == ()
    assert suggest(payment(client_id=1), [invoice(7, 0)]) == ()


def test_two_equal_ones_name_each_other_and_none_is_unique() -> None:
    found = suggest(payment(client_id=1), [invoice(7), invoice(8)])
    assert [row.unique for row in found] == [False, False]
    assert [row.rivals for row in found] == [("INV-0008",), ("INV-0007",)]


def test_a_named_one_has_no_rival_in_an_equal_amount() -> None:
    found = suggest(payment(client_id=1, named="INV-0008"), [invoice(7), invoice(8)])
    assert [(row.title, row.unique) for row in found] == [("INV-0008", True), ("INV-0007", False)]


def test_one_payment_for_several_invoices_of_a_client() -> None:
    known = [invoice(7, 6000), invoice(8, 4000), invoice(9, 4000, client_id=2)]
    best, *_ = suggest(payment(client_id=1), known)
    assert (best.title, best.unique, best.exact) == ("INV-0007 + INV-0008", True, True)
    assert best.parts == ((7, cad(6000)), (8, cad(4000)))
    assert "Together they are exactly the amount: 60.00 CAD + 40.00 CAD." in best.evidence


def test_a_sum_that_can_be_made_in_two_ways_is_not_unique() -> None:
    known = [invoice(7, 6000), invoice(8, 4000), invoice(9, 4000)]
    found = [row for row in suggest(payment(client_id=1), known) if row.exact]
    assert [row.title for row in found] == ["INV-0007 + INV-0008", "INV-0007 + INV-0009"]
    assert not any(row.unique for row in found)


def test_invoices_of_strangers_are_not_added_up() -> None:
    assert not any(row.exact for row in suggest(payment(), [invoice(7, 6000), invoice(8, 4000)]))


def test_another_currency_is_shown_if_it_is_named_and_never_fits() -> None:
    dollars = invoice(7, amount=cad(10000, "USD"))
    (found,) = suggest(payment(named="INV-0007", client_id=1), [dollars])
    assert (found.fits, found.exact, found.unique) == (False, False, False)
    assert "But it is in USD" in found.evidence[-1]
    assert suggest(payment(client_id=1), [dollars]) == ()


@pytest.mark.parametrize(
    ("named", "description", "number", "freshbooks_id", "expected"),
    [
        ("12", "", "12", 5, True),
        ("#12", "", "12", 5, True),
        ("Invoice 12", "", "12", 5, True),
        ("", "invoice 12", "12", 5, True),
        ("", "Facture 2026/07", "2026/07", 5, True),
        ("", "12 chairs", "12", 5, False),
        ("", "inv-0007", "INV-0007", 5, True),
        ("", "INV-00071", "INV-0007", 5, False),
        ("", "", "", 5, False),
        ("5", "", "", 5, True),
    ],
)
def test_when_a_payment_names_an_invoice(
    named: str, description: str, number: str, freshbooks_id: int, expected: bool
) -> None:
    assert named_in(named, description, number=number, freshbooks_id=freshbooks_id) is expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"Invoice_Number": " 12 "}, "12"),
        ({"order_id": "9", "invoice": "12"}, "12"),
        ({"fb_invoice_id": "12", "fb_account": "mine"}, "12"),
        ({"fb_invoice_id": "12", "fb_account": "another"}, ""),
        ({"colour": "12"}, ""),
    ],
)
def test_the_invoice_that_metadata_names(metadata: dict[str, str], expected: str) -> None:
    assert named_invoice(metadata, our_account="mine") == expected


def test_words_are_bounded_and_each_comes_once() -> None:
    assert words_of("a-1 a-1, b_2", "c") == ["a-1", "b_2", "c"]
    assert len(words_of(" ".join(str(number) for number in range(1000)))) == 40


small = st.integers(min_value=1, max_value=4)
payments = st.builds(
    PaymentToMatch,
    amount=small.map(lambda units: cad(units * 1000)),
    paid_on=st.integers(0, 400).map(lambda days: DAY + timedelta(days=days - 200)),
    client_id=st.none() | small,
    email=st.sampled_from(["", "ap@1.example", "AP@2.example"]),
    named=st.sampled_from(["", "INV-1", "2", "900003"]),
    description=st.sampled_from(["", "invoice 3", "INV-4 and INV-2"]),
)


@st.composite
def books(draw: st.DrawFn) -> list[OpenInvoice]:
    found = []
    for number in range(draw(st.integers(0, 9))):
        client = draw(small)
        found.append(
            OpenInvoice(
                id=number,
                freshbooks_id=900000 + number,
                number=draw(st.sampled_from([f"INV-{number}", str(number), ""])),
                amount=cad(draw(st.integers(0, 4)) * 1000, draw(st.sampled_from(["CAD", "USD"]))),
                client_id=client,
                client_name=f"Client {client}",
                client_email=f"ap@{client}.example",
                issued_on=draw(st.none() | st.just(DAY)),
                due_on=draw(st.none() | st.just(DAY + timedelta(days=30))),
            )
        )
    return found


@settings(max_examples=300, deadline=None)
@given(paid=payments, known=books(), order=st.randoms(use_true_random=False))
def test_suggestions_keep_their_promises(
    paid: PaymentToMatch, known: list[OpenInvoice], order: Any
) -> None:
    found = suggest(paid, known)
    shuffled = list(known)
    order.shuffle(shuffled)
    assert suggest(paid, shuffled) == found
    assert len(found) <= MOST_SUGGESTIONS
    assert sum(row.unique for row in found) <= 1
    by_id = {row.id: row for row in known}
    for row in found:
        assert 0 <= row.score <= 100
        assert row.evidence
        if row.fits:
            check_parts(paid, row, by_id)
        if row.unique:
            assert row.exact
            assert row.fits
            assert not row.rivals


def check_parts(paid: PaymentToMatch, row: Suggestion, by_id: dict[int, OpenInvoice]) -> None:
    total = cad(0)
    for invoice_id, amount in row.parts:
        assert cad(0) < amount <= by_id[invoice_id].amount
        total += amount
    assert total <= paid.amount
    assert not row.exact or total == paid.amount
