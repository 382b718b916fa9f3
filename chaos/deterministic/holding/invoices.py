"""One Stripe invoice for each FreshBooks invoice, to the cent, and nothing left lying about."""

from __future__ import annotations

from collections import Counter

from chaos.deterministic.holding.books import Books
from tests.money.vendor_books import minor

LIVE = {"draft", "open", "paid", "uncollectible"}


def check_one_asks(books: Books) -> list[str]:
    """I04: at most one Stripe invoice that is not void asks for a FreshBooks invoice."""
    found = []
    for invoice in books.invoices():
        living = [row["id"] for row in books.of(invoice).stripe if row["status"] in LIVE]
        if len(living) > 1:
            found.append(f"I04 invoice {invoice}: {len(living)} Stripe invoices ask for it")
    return found


def check_totals(books: Books) -> list[str]:
    """I08: what Stripe asks for is what FreshBooks says, or people are told."""
    found = []
    for invoice in books.invoices():
        one = books.of(invoice)
        finalized = [row for row in one.stripe if row["status"] in {"open", "paid"}]
        for row in finalized:
            asked, wanted = int(row["total"]), minor(one.freshbooks["amount"])
            if asked != wanted and not books.told(invoice):
                found.append(f"I08 invoice {invoice}: Stripe asks {asked}, FreshBooks {wanted}")
    return found


def check_no_orphans(books: Books) -> list[str]:
    """I05: no two Stripe customers for a client, no draft that no FreshBooks draft asks for."""
    clients = Counter(row["metadata"].get("fb_client_id") for row in books.stripe["customers"])
    found = [
        f"I05 client {client}: {count} Stripe customers"
        for client, count in clients.items()
        if client and count > 1
    ]
    for invoice in books.invoices():
        one = books.of(invoice)
        drafts = [row for row in one.stripe if row["status"] == "draft"]
        if drafts and one.freshbooks["v3_status"] != "draft" and not books.told(invoice):
            found.append(f"I05 invoice {invoice}: was sent, but is a draft in Stripe")
    return found


def check_mails(books: Books) -> list[str]:
    """I34: at most one mail for each Stripe invoice, that is for each revision."""
    mails = Counter(mail["invoice"] for mail in books.stripe["emails"] if "invoice" in mail)
    return [f"I34 {which}: mailed {count} times" for which, count in mails.items() if count > 1]
