"""Checks a request body against Stripe's own parameter schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

_SPEC = Path(__file__).parents[1] / "contracts" / "stripe_spec3.json"


def violations(path: str, body: dict[str, Any]) -> list[str]:
    """What Stripe's description of POST `path` has against this body; empty when nothing."""
    found = [
        f"{error.json_path}: {error.message}"
        for error in _validator(path).iter_errors(_typed(body))
    ]
    return found + _prose_rules(body)


@cache
def _validator(path: str) -> OAS30Validator:
    content = json.loads(_SPEC.read_text())["paths"][path]["post"]["requestBody"]["content"]
    return OAS30Validator(content["application/x-www-form-urlencoded"]["schema"])


def _typed(value: Any) -> Any:
    """A form carries text only: decimals are text in our bodies and numbers in the description."""
    if isinstance(value, dict):
        return {
            name: float(item) if name == "percentage" else _typed(item)
            for name, item in value.items()
        }
    return [_typed(item) for item in value] if isinstance(value, list | tuple) else value


def _prose_rules(body: dict[str, Any]) -> list[str]:
    """What the description says in words only."""
    found = []
    if len(body.get("custom_fields", ())) > 4:
        found.append("more than 4 custom fields")
    for line in body.get("lines", ()):
        if "amount" in line and ("quantity" in line or "price_data" in line):
            found.append("amount excludes quantity and price")
        if "price_data" in line and line["price_data"]["unit_amount"] < 0:
            found.append("negative unit amount")
    if any(len(key) > 40 or len(value) > 500 for key, value in body.get("metadata", {}).items()):
        found.append("metadata too long")
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        found.append(f"cannot be encoded: {error}")
    return found
