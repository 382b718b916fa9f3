"""What Stripe is documented to answer: the response schemas of an OpenAPI description.

No field is allowed that the description does not name: a simulator that says more than the vendor
lets a client rely on what will not be there.
"""

import json
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

from sandbox.core.vendor import Request
from sandbox.stripe.types import Obj

ANY_ID = "[^/]+"


class StripeContract:
    """The answers of the pinned version, as its description has them."""

    def __init__(self, description: Obj) -> None:
        self.description = description
        # Per contract: a validator is quick only once it is made.
        self._answers = lru_cache(maxsize=None)(self._make_answer_validator)
        self._resources = lru_cache(maxsize=None)(self._make_resource_validator)

    @classmethod
    def read(cls, path: Path) -> "StripeContract":
        """The contract in a file. Raises OSError or ValueError if there is none."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def of_answer(self, request: Request, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to an API request."""
        return self.problems(request.method, request.path, status, body)

    def of_webhook(self, body: Any) -> list[str]:
        """What is wrong with an event and the object that it tells of."""
        return [*self.of_object(body), *self.of_object(body["data"]["object"])]

    def problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to a request of this method and path."""
        if status != 200:
            return _of_refusal(body)
        if body.get("deleted"):
            return [] if set(body) == {"id", "object", "deleted"} else ["more than a deleted id"]
        template = self._template(path)
        if template is None or method.lower() not in self.description["paths"][template]:
            return ["no such call is described"]
        return _listed(self._answers(method.lower(), template), body)

    def of_object(self, obj: Obj) -> list[str]:
        """What is wrong with one object, told by its own name of its kind."""
        kind = str(obj.get("object"))
        if kind not in self.description["components"]["schemas"]:
            return [f"no {kind!r} is described"]
        return _listed(self._resources(kind), obj)

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        """Path templates as patterns, the most literal first."""
        paths = sorted(self.description["paths"], key=lambda path: path.count("{"))
        return [(re.compile(re.sub(r"\{[^}]+\}", ANY_ID, path)), path) for path in paths]

    def _template(self, path: str) -> str | None:
        return next((one for pattern, one in self._templates if pattern.fullmatch(path)), None)

    @cached_property
    def _components(self) -> Any:
        return closed(self.description["components"])

    def _make_answer_validator(self, method: str, template: str) -> Any:
        operation = self.description["paths"][template][method]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        return OAS30Validator({**closed(schema), "components": self._components})

    def _make_resource_validator(self, kind: str) -> Any:
        reference = {"$ref": f"#/components/schemas/{kind}"}
        return OAS30Validator({"allOf": [reference], "components": self._components})


def closed(schema: Any) -> Any:
    """A schema whose objects have no field but the named ones."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if inner.get("type") == "object" and isinstance(inner.get("properties"), dict):
        # Lists inside objects carry a count that the client's types leave out.
        if "has_more" in inner["properties"]:
            inner["properties"]["total_count"] = {"type": "integer"}
        inner.setdefault("additionalProperties", False)
    return inner


def _of_refusal(body: Any) -> list[str]:
    error = body.get("error") if isinstance(body, dict) and len(body) == 1 else None
    texts = isinstance(error, dict) and all(
        isinstance(error.get(name), str) for name in ("type", "message")
    )
    return [] if texts else ["a refusal is {error: {type, message, …}}"]


def _listed(validator: Any, value: Any) -> list[str]:
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(value)
    ]
