"""What a person is told when connecting cannot go on."""

from __future__ import annotations

from connector.errors import ConnectorError, FailureMode


class ConnectRefused(ConnectorError):
    """Nothing was connected or changed. `message` and `next_step` are for the person's eyes."""

    failure_mode = FailureMode.NEEDS_PERSON


def ended_attempt() -> ConnectRefused:
    """One answer for every wrong, spent, late or foreign state: it tells a stranger nothing."""
    return ConnectRefused(
        "This attempt to connect FreshBooks has ended, or began in another browser.",
        code="attempt_ended",
        next_step="Go back to the connection page and press Connect FreshBooks again.",
    )
