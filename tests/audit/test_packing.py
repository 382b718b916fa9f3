"""Details are stored small, and what was stored before that is still read."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from audit import packing
from audit.encryption import (
    NONCE_BYTES,
    canonical_json,
    cipher_of,
    decrypt_details,
    encrypt_details,
    new_data_key,
)

WRITE = {
    "body": {
        "collection_method": "send_invoice",
        "currency": "cad",
        "customer": "cus_MNhDzuYTexCn86",
        "due_date": 1798502399,
        "metadata": {"fb_account": "FtA2Y2", "fb_invoice_id": "2903301", "fb_revision": "1"},
    },
    "error": "",
    "key": "mlc1:stripe.invoices.create:invoice:2903301:r1:create:" + hashlib.sha256().hexdigest(),
    "result": {"id": "in_1S9cEFvAsLdbule5000006"},
}


def test_what_is_usual_takes_less_than_half() -> None:
    text = canonical_json(WRITE)
    assert len(packing.pack(text)) < len(text) / 2


@pytest.mark.parametrize(
    "details",
    [
        WRITE,
        {},
        {"looks": 3},
        {"name": "\0 \N{PILE OF POO} \u202e" * 30},
        {"lines": [{"description": f"line {number}"} for number in range(3000)]},
        {"random": hashlib.sha256(b"x").hexdigest() * 3},
    ],
)
def test_whatever_is_packed_comes_back(details: dict[str, Any]) -> None:
    cipher = cipher_of(new_data_key())
    encrypted = encrypt_details(details, cipher=cipher, place=b"here")
    assert decrypt_details(encrypted, cipher=cipher, place=b"here") == details


def test_details_from_before_they_were_packed_are_read() -> None:
    cipher, nonce = cipher_of(new_data_key()), b"n" * NONCE_BYTES
    encrypted = nonce + cipher.encrypt(nonce, canonical_json(WRITE), b"here")
    assert decrypt_details(encrypted, cipher=cipher, place=b"here") == WRITE


def test_what_was_packed_by_any_version_stays_readable() -> None:
    """The text that references point into is part of what is stored: it must never change."""
    assert hashlib.sha256(packing._USUAL).hexdigest() == (
        "4cfe091cacb7dea83d2fd9073ef8a9b26b8ab58133152d13814d5f77da79c574"
    )
    packed = bytes.fromhex(
        "01add1b10a02311004d01fb248369b64a73cd4abd4469b2bb331c1426cf444fc7a1504156223ce070cc3bc17"
        "d41f4c96abddec3a0e9b72991e247c92448837e480c9778cfed4d1400d128271ced816c1af5f3e2bdf2e2d4e"
        "4d662648cd365b46aa5a390b10aa8298622a6c0b0786c2714e0c0f588de249c5fb36c41a79de9fbbe362abe3"
        "be78f348b8cfbe01"
    )
    assert packing.unpack(packed) == canonical_json(WRITE)
