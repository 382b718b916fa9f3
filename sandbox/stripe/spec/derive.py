"""Cut `operations.json` out of the OpenAPI description of the pinned version.

Run `python -m sandbox.stripe.spec.derive tests/contracts/stripe_spec3.json` after the
description changed; the result is committed, so that the simulator needs no other file.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox.stripe.types import Obj

DROPPED_KEYS = ("description", "x-clientOpenEnum", "title")
# Operations of the description that this simulator does not answer.
NOT_SIMULATED = (
    "/search",
    "/v1/coupons",
    "/v1/credit_notes/preview",
    "/v1/payment_links",
    "/v1/tax_ids",
    "/funding_instructions",
    "/discount",
    "/report_payment_attempt",
    "/reverse",
)


def stripped(schema: object) -> object:
    """Copy a schema without the prose."""
    if isinstance(schema, dict):
        inside = {k: v for k, v in schema.items() if k not in DROPPED_KEYS or isinstance(v, dict)}
        return {key: stripped(value) for key, value in inside.items()}
    if isinstance(schema, list):
        return [stripped(value) for value in schema]
    return schema


def parameter_schema(operation: Obj) -> Obj:
    """Give one object schema for the body or the query of an operation."""
    content = operation.get("requestBody", {}).get("content", {})
    for body in content.values():
        schema: Obj = body["schema"]
        return schema
    query = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    return {
        "type": "object",
        "properties": {p["name"]: p["schema"] for p in query},
        "additionalProperties": False,
        "required": [p["name"] for p in query if p.get("required")],
    }


def expandable_paths(schema: Obj, prefix: str = "") -> Iterator[str]:
    """Walk a resource and yield the dotted path of each expandable field."""
    for branch in schema.get("anyOf", []):
        if "properties" in branch:
            yield from expandable_paths(branch, prefix)
    if "items" in schema:
        if schema["items"].get("x-expandable"):
            yield prefix
        yield from expandable_paths(schema["items"], prefix)
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        if field.get("x-expandable"):
            yield path
        yield from expandable_paths(field, path)


def derive(description: Obj) -> Obj:
    """Give the content of `operations.json`."""
    operations = {}
    for path, methods in description["paths"].items():
        if any(part in path for part in NOT_SIMULATED):
            continue
        for method, operation in methods.items():
            operations[f"{method.upper()} {path}"] = stripped(parameter_schema(operation))
    schemas = description["components"]["schemas"]
    return {
        "version": description["info"]["version"],
        "operations": operations,
        "expandable": {
            name: sorted(set(expandable_paths(schema))) for name, schema in schemas.items()
        },
        "event_types": schemas["event"]["properties"]["type"]["enum"],
    }


def as_text(derived: Obj) -> str:
    """Write the result with one operation a line, so that a change is readable in a diff."""
    lines = []
    for section, value in derived.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f" {json.dumps(section)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(section)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(__file__).parent / "operations.json"
    target.write_text(as_text(derive(source)), encoding="utf-8")
