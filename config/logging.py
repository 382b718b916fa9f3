"""Log lines: one JSON object each, with anything that looks like a credential masked."""

from __future__ import annotations

import logging
import re

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET = re.compile(
    r"(sk|rk|pk)_(live|test)_[A-Za-z0-9]+|whsec_[A-Za-z0-9]+|Bearer\s+[A-Za-z0-9._~+/=-]+"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # a JSON web token
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
    r"|(?<=/connect/)[\w-]{20,}|(?<=/webhooks/stripe/)[\w-]{20,}"  # addresses that are secrets
    r"|(?<=/webhooks/freshbooks/)[\w-]{20,}"
)
MASK = "[masked]"
# One of these is in every text that `_SECRET` finds anything in: most texts are done with after that.
_SIGNS = ("_live_", "_test_", "whsec_", "Bearer", "eyJ", "://", "/connect/", "/webhooks/")


def mask_secrets(text: str) -> str:
    """The text with keys, tokens and passwords in addresses replaced."""
    for sign in _SIGNS:
        if sign in text:
            return _SECRET.sub(MASK, text)
    return text


def _mask_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        key: mask_secrets(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def line_formatter() -> logging.Formatter:
    """The formatter named in settings.LOGGING."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _mask_event,
            structlog.processors.JSONRenderer(),
        ],
    )
