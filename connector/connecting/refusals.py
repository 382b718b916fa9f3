"""What a person is told when connecting cannot go on."""

from __future__ import annotations

from connector.errors import ConnectorError, FailureMode


class ConnectRefused(ConnectorError):
    """Nothing was connected or changed. `message` and `next_step` are for the person's eyes.

    `back_to` is the page of ours to go on from, "" if it is not known.
    """

    failure_mode = FailureMode.NEEDS_PERSON
    back_to: str = ""

    def with_way_back(self, page: str) -> ConnectRefused:
        """The same refusal, knowing the page to go on from."""
        self.back_to = page
        return self


def ended_attempt() -> ConnectRefused:
    """One answer for every wrong, spent, late or foreign state: it tells a stranger nothing."""
    return ConnectRefused(
        "This attempt to connect FreshBooks has ended, or began in another browser.",
        code="attempt_ended",
        next_step="Go back to the connection page and press Connect FreshBooks again.",
    )
