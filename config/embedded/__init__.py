"""A private PostgreSQL and Valkey for development, demo and tests.

`services` is what callers use. A small guardian process (`guardian`) owns both servers and stops
them when its caller is gone, however it went. Nothing here is used in a deployment: with
DATABASE_URL and REDIS_URL set, nothing is started.
"""

from config.embedded.errors import EmbeddedError
from config.embedded.services import Services, embedded_services

__all__ = ["EmbeddedError", "Services", "embedded_services"]
