"""Details of audit entries at rest: AES-256-GCM under one key per tenant.

The associated data names tenant, sequence and action, so details moved to another entry do not
open. The tenant's key is sealed in the chain's head; destroying it erases all details at once.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.packing import pack, unpack

NONCE_BYTES = 12
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def new_data_key() -> str:
    """256 random bits, as text to seal."""
    return base64.b64encode(AESGCM.generate_key(bit_length=256)).decode()


def cipher_of(data_key: str) -> AESGCM:
    """What a tenant's details are encrypted and opened with."""
    return AESGCM(base64.b64decode(data_key))


def encrypt_details(details: Any, *, cipher: AESGCM, place: bytes) -> bytes:
    """Nonce and ciphertext of plain JSON data, packed."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, pack(canonical_json(details)), place)


def decrypt_details(encrypted: bytes, *, cipher: AESGCM, place: bytes) -> Any:
    """The data back. Raises cryptography's InvalidTag if key, place or a byte is not the same."""
    nonce, ciphertext = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
    return json.loads(unpack(cipher.decrypt(nonce, ciphertext, place)))


def place_of(*, tenant_id: int, sequence: int, action: str) -> bytes:
    """The associated data: where these details belong."""
    return canonical_json([tenant_id, sequence, action])


def canonical_json(value: Any) -> bytes:
    """One spelling for one value: sorted keys, no spaces, ASCII."""
    return _JSON.encode(value).encode()
