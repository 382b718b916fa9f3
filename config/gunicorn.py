"""Gunicorn's hooks: what the workers share is kept shared."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any

from django.conf import settings


def when_ready(server: Any) -> None:
    """Before the workers fork: load every page once, and leave it to no garbage collector."""
    del server
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
