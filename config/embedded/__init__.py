"""A private PostgreSQL and Valkey for development, demo and tests.

`services` is what callers use. A small process, `config.guardian`, owns both servers and stops
them when its caller is gone, however it went. Nothing here is used in a deployment: with
DATABASE_URL and REDIS_URL set, nothing is started.
"""

from config.embedded.services import Services, embedded_services
from config.guardian.errors import EmbeddedError

__all__ = ["EmbeddedError", "Services", "embedded_services"]
