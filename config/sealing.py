"""Credentials at rest: Fernet-encrypted, and bound to the row and field they belong to.

Fernet proves that nobody changed a value; it does not know where the value belongs. So the sealed
text names its owner and field, and opening it under another owner or field fails: a ciphertext
copied into another tenant's row is of no use.
"""

from __future__ import annotations

import json
from typing import Any, overload

from django.db import models


class SealBroken(RuntimeError):
    """A sealed value was opened for an owner or field that it was not sealed for."""


def seal(value: str, *, owner: str, field: str) -> str:
    """The text to store in an encrypted column."""
    return json.dumps({"owner": owner, "field": field, "value": value}) if value else ""


def unseal(sealed: str, *, owner: str, field: str) -> str:
    """The value back, or SealBroken if it was sealed for something else."""
    if not sealed:
        return ""
    content = json.loads(sealed)
    if content["owner"] != owner or content["field"] != field:
        raise SealBroken(f"a value sealed for another place was found in {field} of {owner}")
    return str(content["value"])


class Sealed:
    """Attribute that reads and writes an EncryptedTextField named `<attribute>_sealed`.

    The model says whose secret it is by a property `seal_owner`, e.g. "tenant:7".
    """

    def __set_name__(self, owner: type[models.Model], name: str) -> None:
        self.field = f"{name}_sealed"

    @overload
    def __get__(self, row: None, model: type[models.Model]) -> Sealed: ...
    @overload
    def __get__(self, row: models.Model, model: type[models.Model]) -> str: ...
    def __get__(self, row: models.Model | None, model: type[models.Model]) -> Sealed | str:
        if row is None:
            return self
        return unseal(getattr(row, self.field), owner=_owner(row), field=self._label(row))

    def __set__(self, row: models.Model, value: str) -> None:
        setattr(row, self.field, seal(value, owner=_owner(row), field=self._label(row)))

    def _label(self, row: models.Model) -> str:
        return f"{type(row).__name__.lower()}.{self.field}"


def _owner(row: Any) -> str:
    return str(row.seal_owner)
