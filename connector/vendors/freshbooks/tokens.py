"""Where the access token comes from, and what to do when FreshBooks rejects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connector.errors import CredentialRejected

REFUSED_AGAIN = "token_refused"


@dataclass(frozen=True)
class AccessToken:
    """A bearer token and the number of the grant's refresh it came from. `repr` hides the token."""

    value: str
    generation: int

    def __repr__(self) -> str:
        return f"AccessToken(generation={self.generation})"


class TokenSource(Protocol):
    """Keeps one grant's tokens and refreshes them, single flight."""

    def current(self) -> AccessToken:
        """The token to use now."""

    def after_rejection(self, rejected: AccessToken) -> AccessToken:
        """A token newer than the rejected one: somebody else's refresh, or one's own.

        Raises: GrantLost if there is none to be had without a person.
        """


class AccessTokenRejected(CredentialRejected):
    """401: FreshBooks does not accept this access token. Nothing was done."""
