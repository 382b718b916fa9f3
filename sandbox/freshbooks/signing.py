"""The signature of a webhook: HMAC over Python-style JSON of the form fields."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

HEADER = "X-FreshBooks-Hmac-SHA256"


def signed_text(fields: Sequence[tuple[str, str]]) -> str:
    """What is signed: `json.dumps` of the fields in body order, all values as strings."""
    return json.dumps(dict(fields))


def signature(verifier: str, fields: Sequence[tuple[str, str]]) -> str:
    """Base64 of HMAC-SHA256 with the callback's verifier as key."""
    digest = hmac.new(verifier.encode(), signed_text(fields).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
