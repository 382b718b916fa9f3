"""Where a payment names an invoice: metadata, description. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMES_AN_INVOICE = (
    "fb_invoice_id",
    "freshbooks_invoice_id",
    "invoice_id",
    "invoice_number",
    "invoice",
    "order_id",
)
MOST_WORDS = 40
_WORD = re.compile(r"[^\W_]+(?:[-_/.][^\W_]+)*")
_INVOICE_WORD = re.compile(r"(?i)\b(?:invoice|inv|facture|rechnung)\b")


def named_invoice(metadata: Mapping[str, str], *, our_account: str) -> str:
    """The invoice that metadata names, as it stands there; "" if none, or if it is of others."""
    account = metadata.get("fb_account", "")
    if account and account != our_account:
        return ""
    lowered = {key.strip().casefold(): value for key, value in metadata.items()}
    found = (lowered.get(key, "").strip() for key in NAMES_AN_INVOICE)
    return next((text for text in found if text), "")[:60]


def words_of(*texts: str) -> list[str]:
    """Words that may be an invoice's number or id, in order, each once."""
    found = (word for text in texts for word in _WORD.findall(text)[:MOST_WORDS])
    return list(dict.fromkeys(found))


def named_in(named: str, description: str, *, number: str, freshbooks_id: int) -> bool:
    """Whether a payment names this invoice.

    A bare number in a description counts only where the text speaks of an invoice: "5 chairs" is
    not invoice 5.
    """
    wanted = {word.casefold() for word in (number.strip(), str(freshbooks_id)) if word}
    if wanted & {word.casefold() for word in (named.strip().lstrip("#"), *words_of(named))}:
        return True
    said = {word.casefold() for word in words_of(description)}
    telling = bool(_INVOICE_WORD.search(description))
    return any(telling or not word.isdigit() for word in wanted & said)
