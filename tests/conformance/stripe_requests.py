"""Holds requests of the product to Stripe against the description of the pinned API version.

A path, parameter, type, enum or length that the description does not have is a violation; so are a
missing required parameter, another version, a POST without an idempotency key, and what the
description says in words only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

from tests.conformance.record import STRIPE, Sent, product_requests, unprintable

SPEC = Path(__file__).parents[1] / "contracts" / "stripe_spec3.json"
MAX_EXPAND_DEPTH = 4
FORM = "application/x-www-form-urlencoded"
_AS_TEXT: tuple[str, Callable[[str], Any]] = ("", str)
_READ: dict[str, tuple[str, Callable[[str], Any]]] = {
    "boolean": ("true|false", lambda text: text == "true"),
    "integer": (r"-?\d{1,18}", int),
    "number": (r"-?\d{1,18}(\.\d+)?", float),
}
Schema = dict[str, Any]


def violations(record: Path) -> list[str]:
    """What is wrong with any Stripe request of the product in this record; empty when nothing."""
    found = [
        f"{sent.name}: {problem}"
        for sent in product_requests(record, STRIPE)
        for problem in problems(sent)
    ]
    return list(dict.fromkeys(found))


def problems(sent: Sent) -> list[str]:
    """What is wrong with one request."""
    template = template_of(sent.path)
    operation = description()["paths"].get(template or "", {}).get(sent.method.lower())
    if operation is None:
        return ["no such operation"]
    if sent.method == "GET" and sent.form is not None:
        return ["a GET with a body"]
    given = sent.query if sent.method == "GET" else (sent.form or {})
    schema = parameters_of(sent.method.lower(), template or "")
    found = [*_headers(sent), *unprintable(dict(given), "parameters")]
    try:
        value = typed(nested(given), schema)
    except ValueError as error:
        return [*found, str(error)]
    errors = validator(sent.method.lower(), template or "").iter_errors(value)
    found += [f"{error.json_path}: {error.message[:200]}" for error in errors]
    return [*found, *_in_words(value), *_expansions(value, operation)]


@cache
def description() -> Schema:
    """The OpenAPI description of the pinned version."""
    loaded: Schema = json.loads(SPEC.read_text(encoding="utf-8"))
    return loaded


@cache
def template_of(path: str) -> str | None:
    """The path as the description writes it, the most literal one first."""
    for template in sorted(description()["paths"], key=lambda text: text.count("{")):
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return str(template)
    return None


@cache
def parameters_of(method: str, template: str) -> Schema:
    """One object schema of all parameters in the query or the body."""
    operation = description()["paths"][template][method]
    if "requestBody" in operation:
        body: Schema = operation["requestBody"]["content"][FORM]["schema"]
        return body
    query = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in query},
        "required": [one["name"] for one in query if one.get("required")],
        "additionalProperties": False,
    }


@cache
def validator(method: str, template: str) -> OAS30Validator:
    """The validator of one operation's parameters."""
    return OAS30Validator(parameters_of(method, template))


def nested(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """`{"lines[0][amount]": "5"}` as `{"lines": {"0": {"amount": "5"}}}`."""
    tree: dict[str, Any] = {}
    for key, value in pairs.items():
        well_named = re.fullmatch(r"[^\[\]]+(\[[^\[\]]+\])*", key)
        if well_named is None or isinstance(value, list):
            raise ValueError(f"{key!r} is no parameter name, or was sent twice")
        *parents, last = re.findall(r"[^\[\]]+", key)
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = value
    return tree


def typed(value: Any, schema: Schema) -> Any:
    """The texts of a form as what the schema takes them for; what does not fit stays a text."""
    if "anyOf" in schema:
        candidates = [(typed(value, branch), branch) for branch in schema["anyOf"]]
        fitting = [one for one, branch in candidates if OAS30Validator(branch).is_valid(one)]
        return fitting[0] if fitting else value
    if isinstance(value, dict):
        is_list = schema.get("type") == "array"
        return _typed_list(value, schema) if is_list else _typed_object(value, schema)
    pattern, read = _READ.get(schema.get("type", ""), _AS_TEXT)
    return read(value) if re.fullmatch(pattern, value) else value


def _typed_object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    known = schema.get("properties", {})
    return {key: typed(item, known.get(key, {})) for key, item in value.items()}


def _typed_list(value: dict[str, Any], schema: Schema) -> list[Any]:
    if set(value) != {str(number) for number in range(len(value))}:
        raise ValueError(f"a list is counted {sorted(value)[:5]}")
    return [typed(value[str(number)], schema["items"]) for number in range(len(value))]


def _headers(sent: Sent) -> Iterator[str]:
    pinned = description()["info"]["version"]
    if sent.header("Stripe-Version") != pinned:
        yield f"version {sent.header('Stripe-Version')!r} instead of {pinned}"
    if sent.method == "POST":
        if not 0 < len(sent.header("Idempotency-Key")) <= 255:
            yield "a POST without an idempotency key of 1 to 255 characters"
        if sent.form is not None and sent.header("Content-Type") != FORM:
            yield f"a body of type {sent.header('Content-Type')!r}"
    if sent.header("X-Stripe-Client-Telemetry"):
        yield "telemetry"


def _in_words(value: dict[str, Any]) -> Iterator[str]:
    """What the description says in prose only."""
    metadata = value.get("metadata") or {}
    if len(metadata) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in metadata.items()):
        yield "metadata takes 50 keys of 40 characters with 500 characters each"
    if not 1 <= value.get("limit", 1) <= 100:
        yield "a limit is 1 to 100"
    if str(value.get("currency", "")) != str(value.get("currency", "")).lower():
        yield "currencies are in lower case"
    for name, longest in (("custom_fields", 4), ("types", 20), ("lines", 250)):
        if len(value.get(name) or ()) > longest:
            yield f"more than {longest} {name}"
    if value.get("collection_method") == "send_invoice":
        yield from _due(value)
    for line in value.get("lines", ()):
        yield from _line_in_words(line)


def _due(value: dict[str, Any]) -> Iterator[str]:
    if ("due_date" in value) == ("days_until_due" in value):
        yield "send_invoice takes one of due_date and days_until_due"


def _line_in_words(line: dict[str, Any]) -> Iterator[str]:
    if "amount" in line and {"quantity", "quantity_decimal", "price_data", "pricing"} & set(line):
        yield "a line has an amount, or a quantity and a price"
    if line.get("price_data", {}).get("unit_amount", 0) < 0:
        yield "a unit amount is not negative"
    if len(line.get("tax_amounts", ())) > 20:
        yield "more than 20 taxes on a line"


def _expansions(value: dict[str, Any], operation: Schema) -> Iterator[str]:
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for path in value.get("expand", ()):
        parts = path.split(".")
        if len(parts) > MAX_EXPAND_DEPTH or not _is_expandable(answer, parts):
            yield f"{path!r} cannot be expanded"


def _is_expandable(schema: Schema, parts: list[str]) -> bool:
    name, *rest = parts
    for branch in _objects(schema):
        field = branch.get("properties", {}).get(name)
        if field is not None:
            inner = field.get("items", field)
            expandable = field.get("x-expandable") or inner.get("x-expandable")
            return _is_expandable(inner, rest) if rest else bool(expandable)
    return False


def _objects(schema: Schema) -> Iterator[Schema]:
    """The object schemas that this one may be."""
    if "$ref" in schema:
        yield from _objects(description()["components"]["schemas"][schema["$ref"].split("/")[-1]])
    for branch in schema.get("anyOf", ()):
        yield from _objects(branch)
    if "properties" in schema:
        yield schema
