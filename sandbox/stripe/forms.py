"""Form bodies: `metadata[k]=v`, `lines[0][amount]=5`, `expand[]=payments` to nested values."""

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from sandbox.stripe.errors import InvalidParametersError

# A decoded form: texts at the leaves. Arrays stay dictionaries with the keys "0", "1", ...
# because only the schema knows whether `a[0]` means an element or a key.
Node = str | dict[str, "Node"]

NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
MAX_DEPTH = 20


def decode_body(body: bytes) -> dict[str, Node]:
    """Decode an `application/x-www-form-urlencoded` body."""
    text = body.decode("utf-8", "replace")
    return decode_pairs(parse_qsl(text, keep_blank_values=True, max_num_fields=20_000))


def decode_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Node]:
    """Nest name-value pairs by the brackets in their names."""
    root: dict[str, Node] = {}
    for name, value in pairs:
        match = NAME.match(name)
        if match is None:
            raise InvalidParametersError(f"Invalid parameter name: {name}", param=name)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(steps) > MAX_DEPTH:
            raise InvalidParametersError("Parameters are nested too deeply", param=name)
        insert(root, steps, value)
    return root


def insert(root: dict[str, Node], steps: list[str], value: str) -> None:
    """Put one value in its place; an empty step (`[]`) appends."""
    node = root
    for position, step in enumerate(steps[:-1]):
        key = step or open_element(node, steps[position + 1])
        child = node.setdefault(key, {})
        if isinstance(child, str):
            child = node[key] = {}
        node = child
    last = steps[-1] or str(len(node))
    node[last] = value


def open_element(node: dict[str, Node], next_step: str) -> str:
    """Give the element that `[]` means: the last one until it already has the next key."""
    last = str(len(node) - 1)
    element = node.get(last)
    if isinstance(element, dict) and next_step and next_step not in element:
        return last
    return str(len(node))


def basic_user(encoded: str) -> str:
    """Give the user name of a Basic authorization, which is where a key is sent."""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").split(":", 1)[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
