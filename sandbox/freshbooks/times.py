"""FreshBooks' three ways to write a moment, and its calendar dates."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_SECONDS = "%Y-%m-%d %H:%M:%S"


def eastern_text(epoch: float) -> str:
    """`updated` and most others: US/Eastern, whole seconds, no offset."""
    return datetime.fromtimestamp(epoch, EASTERN).strftime(_SECONDS)


def eastern_version(epoch: float) -> str:
    """An invoice's `version`: the same with microseconds."""
    return datetime.fromtimestamp(epoch, EASTERN).strftime(_SECONDS + ".%f")


def utc_text(epoch: float) -> str:
    """`signup_date` and audit logs: UTC in the same form."""
    return datetime.fromtimestamp(epoch, UTC).strftime(_SECONDS)


def iso_text(epoch: float) -> str:
    """The identity and events APIs: ISO with Z."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def eastern_day(epoch: float) -> date:
    """The calendar day in US/Eastern."""
    return datetime.fromtimestamp(epoch, EASTERN).date()
