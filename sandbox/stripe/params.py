"""Checks decoded parameters against the schema of an operation and gives them their types.

An empty text means "clear this field" and stays `""`, whatever the field's type.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.stripe.errors import InvalidParametersError
from sandbox.stripe.forms import Node
from sandbox.stripe.types import Obj

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY = 40
MAX_METADATA_VALUE = 500
MAX_DECIMAL_PLACES = 12
DECIMAL = re.compile(r"^-?\d+(\.\d+)?$")


def invalid(message: str, param: str, code: str | None = None) -> InvalidParametersError:
    """Give the refusal of one parameter."""
    return InvalidParametersError(message, param=param, code=code)


def check_parameters(schema: Obj, given: dict[str, Node]) -> Obj:
    """Check and type all parameters of a request. Raises InvalidParametersError."""
    return check_object(schema, given, "")


def check(schema: Obj, node: Node, name: str) -> Any:
    """Check and type one value."""
    if "anyOf" in schema:
        return check_any_of(schema["anyOf"], node, name)
    return CHECKS[schema["type"]](schema, node, name)


def check_any_of(branches: list[Obj], node: Node, name: str) -> Any:
    """Try the branches that can hold such a value; the last refusal is the answer."""
    wanted = ("object", "array") if isinstance(node, dict) else None
    refusal = invalid(f"Invalid value for {name}", name)
    for branch in branches:
        if wanted and branch.get("type") not in wanted and "anyOf" not in branch:
            continue
        try:
            return check(branch, node, name)
        except InvalidParametersError as error:
            refusal = error
    raise refusal


def check_object(schema: Obj, node: Node, name: str) -> Obj:
    """Check an object with named fields, or a map of texts such as metadata."""
    if not isinstance(node, dict):
        raise invalid("Invalid object", name)
    if "properties" not in schema:
        return check_map(schema, node, name)
    fields = schema["properties"]
    unknown = [inside(name, key) for key in node if key not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
        raise invalid(message, unknown[0], "parameter_unknown")
    for key in schema.get("required", []):
        if key not in node:
            missing = inside(name, key)
            raise invalid(f"Missing required param: {missing}.", missing, "parameter_missing")
        if node[key] == "" and "anyOf" not in fields[key]:
            raise empty(inside(name, key))
    return {key: check(fields[key], value, inside(name, key)) for key, value in node.items()}


def empty(name: str) -> InvalidParametersError:
    """Give the refusal of an empty text where something is needed."""
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to "
        f"unset a parameter; however '{name}' cannot be unset. You should remove '{name}' from "
        "your request or supply a non-empty value."
    )
    return invalid(message, name, "parameter_invalid_empty")


def inside(name: str, key: str) -> str:
    """Give the name of a field inside a named parameter, as Stripe writes it."""
    return f"{name}[{key}]" if name else key


def check_map(schema: Obj, node: dict[str, Node], name: str) -> Obj:
    """Check a map; the one map that matters, metadata, has limits of its own."""
    del schema
    if len(node) > MAX_METADATA_KEYS:
        raise too_many_keys(len(node), name)
    for key, value in node.items():
        if not isinstance(value, str):
            raise invalid("Metadata values must be strings", inside(name, key))
        check_metadata_entry(key, value, name)
    return dict(node)


def too_many_keys(count: int, name: str) -> InvalidParametersError:
    """Give the refusal of too many metadata keys."""
    message = f"You can have up to {MAX_METADATA_KEYS} metadata keys, but you passed in {count}."
    return invalid(message, name)


def check_metadata_entry(key: str, value: str, name: str) -> None:
    """Check the length of one metadata key and its value."""
    if len(key) > MAX_METADATA_KEY:
        raise invalid(
            f"Metadata keys can have up to {MAX_METADATA_KEY} characters, but you passed in a key "
            f"that is {len(key)} characters. Invalid key: {key}",
            inside(name, key),
        )
    if len(value) > MAX_METADATA_VALUE:
        raise invalid(
            f"Metadata values can have up to {MAX_METADATA_VALUE} characters, but you passed in a "
            f"value that is {len(value)} characters. Invalid value: {value}",
            inside(name, key),
        )


def check_array(schema: Obj, node: Node, name: str) -> list[Any]:
    """Check an array; its elements came as `[]` or as `[0]`, `[1]`, ..."""
    if not isinstance(node, dict) or not all(key.isdigit() for key in node):
        raise invalid("Invalid array", name)
    ordered = sorted(node, key=int)
    return [check(schema["items"], node[key], inside(name, key)) for key in ordered]


def check_text(schema: Obj, node: Node, name: str) -> str:
    """Check a text: its length, its closed list of values, or its form as a decimal."""
    if not isinstance(node, str):
        raise invalid(f"Invalid string: {node}", name)
    if "enum" in schema:
        return check_choice(schema["enum"], node, name)
    if schema.get("format") == "decimal":
        return check_decimal(node, name)
    longest = schema.get("maxLength")
    if longest is not None and len(node) > longest:
        shown = f"{node[:10]}...{node[-10:]}"
        raise invalid(f"Invalid string: {shown}; must be at most {longest} characters", name)
    return node


def check_choice(choices: list[str | None], node: str, name: str) -> str:
    """Check a value of a closed list."""
    if node in choices:
        return node
    shown = [str(choice) for choice in choices if choice]
    if not shown:
        raise invalid(f"Invalid {name}", name)
    listing = ", ".join(shown[:-1]) + f", or {shown[-1]}" if len(shown) > 2 else " or ".join(shown)
    raise invalid(f"Invalid {name}: must be one of {listing}", name)


def check_decimal(node: str, name: str) -> str:
    """Check a decimal text of at most twelve places."""
    if not DECIMAL.match(node):
        raise invalid(f"Invalid decimal: {node}", name, "parameter_invalid_decimal")
    exponent = Decimal(node).normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MAX_DECIMAL_PLACES:
        raise invalid(f"Invalid decimal: {node}; must have at most 12 decimal places", name)
    return node


def check_integer(_schema: Obj, node: Node, name: str) -> int:
    """Check a whole number."""
    if not isinstance(node, str) or not re.match(r"^-?\d{1,18}$", node):
        raise invalid(f"Invalid integer: {node}", name, "parameter_invalid_integer")
    return int(node)


def check_number(_schema: Obj, node: Node, name: str) -> Decimal:
    """Check a number that may have places, such as a percentage."""
    if not isinstance(node, str) or not DECIMAL.match(node):
        raise invalid(f"Invalid decimal: {node}", name, "parameter_invalid_decimal")
    return Decimal(node)


def check_boolean(_schema: Obj, node: Node, name: str) -> bool:
    """Check `true` or `false`."""
    if node not in ("true", "false"):
        raise invalid(f"Invalid boolean: {node}", name)
    return node == "true"


CHECKS: dict[str, Callable[[Obj, Node, str], Any]] = {
    "object": check_object,
    "array": check_array,
    "string": check_text,
    "integer": check_integer,
    "number": check_number,
    "boolean": check_boolean,
}
