"""The pages of the simulated Stripe, as a customer and a curious person see them."""

from collections.abc import Iterator

import pytest
import requests

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def opened(desk: Desk, amount: int = 12_600) -> tuple[str, str]:
    invoice = desk.open_invoice(amount, description="<b>Thanks</b>")
    assert invoice.hosted_invoice_url is not None
    return invoice.id, invoice.hosted_invoice_url


def pay(url: str, amount: str, method: str = "card") -> requests.Response:
    return requests.post(url, data={"amount": amount, "method": method}, timeout=60)


def test_a_customer_pays_a_part_then_the_rest(desk: Desk) -> None:
    invoice, url = opened(desk)
    page = requests.get(url, timeout=60).text
    assert "126.00 USD" in page
    assert "Design hours" in page
    assert "&lt;b&gt;Thanks" in page
    assert 'value="126.00"' in page
    answer = pay(url, "50")
    assert "Your payment has arrived" in answer.text
    assert 'value="76.00"' in answer.text
    assert pay(url, "76.00").ok
    assert desk.invoice(invoice).status == "paid"
    assert "Paid. Thank you!" in requests.get(url, timeout=60).text
    assert "is paid, not open" in pay(url, "1").text


@pytest.mark.parametrize(
    ("amount", "method", "text"),
    [
        ("126", "declined", "declined"),
        ("126", "bank", "on its way"),
        ("0.30", "card", "at least"),
        ("much", "card", "enter an amount"),
        ("-5", "card", "positive"),
        ("1.005", "card", "enter an amount"),
    ],
)
def test_what_pays_nothing_yet(desk: Desk, amount: str, method: str, text: str) -> None:
    invoice, url = opened(desk)
    assert text in pay(url, amount, method).text
    assert desk.invoice(invoice).amount_paid == 0


def test_a_void_invoice_cannot_be_paid(desk: Desk) -> None:
    invoice, url = opened(desk)
    desk.act("void_invoice", invoice=invoice)
    assert "was canceled" in requests.get(url, timeout=60).text


def test_the_accounts_and_their_books_are_shown(desk: Desk) -> None:
    invoice, url = opened(desk)
    desk.act("pay_invoice", invoice=invoice)
    listed = requests.get(desk.url + "/", timeout=60).text
    assert desk.account_id in listed
    shown = requests.get(f"{desk.url}/accounts/{desk.account_id}/test", timeout=60)
    assert "Blue Fir LLC" in shown.text
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    paper = requests.get(str(desk.invoice(invoice).invoice_pdf), timeout=60)
    assert "Total 126.00 USD" in paper.text
    assert url.startswith(desk.url)


@pytest.mark.parametrize("path", ["/accounts/acct_no/test", "/i/acct_no/test_x", "/i/{own}/test_x"])
def test_unknown_pages_say_so(desk: Desk, path: str) -> None:
    answer = requests.get(desk.url + path.format(own=desk.account_id), timeout=60)
    assert (answer.status_code, "no such page" in answer.text) == (404, True)
