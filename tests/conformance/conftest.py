"""What these tests borrow from others."""

from __future__ import annotations

from tests.connecting.conftest import own_site

__all__ = ["own_site"]  # the fixture that lets webhooks arrive
