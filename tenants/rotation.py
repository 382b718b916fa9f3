"""Moving every sealed value to the newest field key, so that an older key can be taken away.

FIELD_ENCRYPTION_KEYS lists keys newest first: all of them open, the first one seals. Rows are done
one by one, each in its own commit, so an interrupted run is simply started again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from fernet_fields import EncryptedField

from tenants.scope import every_tenant

OUR_APPS = ("audit", "tenants", "connector")


def rotate_field_keys() -> dict[str, int]:
    """Seal everything again under the newest key; how many rows of each table were done."""
    return {model._meta.label: _rotate(model, fields) for model, fields in sealed_fields()}  # noqa: SLF001 - Django's public name


def sealed_fields() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Every table of ours that holds sealed values, and in which columns."""
    for app in OUR_APPS:
        for model in apps.get_app_config(app).get_models():
            columns = model._meta.concrete_fields  # noqa: SLF001 - Django's public name
            names = [field.name for field in columns if isinstance(field, EncryptedField)]
            if names:
                yield model, names


def _rotate(model: type[Any], names: list[str]) -> int:
    rows = model._base_manager  # noqa: SLF001 - the one manager that every model has
    with every_tenant():
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
    for key in keys:
        with every_tenant():
            row = rows.select_for_update().filter(pk=key).first()
            if row is not None:
                rows.filter(pk=key).update(**{name: getattr(row, name) for name in names})
    return len(keys)
