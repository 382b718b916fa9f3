"""Who is calling, and may they: tokens, scopes, roles, rate limits."""

from dataclasses import dataclass

from sandbox.core.vendor import Request
from sandbox.core.windows import Windows
from sandbox.freshbooks.book import Account, Identity, Token
from sandbox.freshbooks.problems import (
    Problem,
    denied,
    not_found,
    too_many_requests,
    unauthenticated,
)
from sandbox.freshbooks.scopes import scope_of
from sandbox.freshbooks.world import World

USERS_ME_PER_MINUTE = 20
_ACCOUNT_LIMITS = {"5_per_second": (5, 1.0), "100_per_minute": (100, 60.0)}


@dataclass(frozen=True)
class Caller:
    """An identity with a valid token, at one account."""

    identity: Identity
    token: Token
    account: Account
    role: str

    @property
    def is_client(self) -> bool:
        """A client of the business: reads what is addressed to them, writes nothing."""
        return self.role == "client"


class Access:
    """Decides on tokens, accounts, scopes and limits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.windows = Windows()

    def token(self, request: Request) -> Token:
        """The live token of the Authorization header, or Problem 401."""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self._world.book.by_access.get(value.strip())
        live = token is not None and token.access_live
        if token is None or not live or kind.lower() != "bearer":
            raise unauthenticated()
        if self._world.now() >= token.expires_at:
            raise unauthenticated()
        return token

    def caller(self, request: Request, scope: str, verb: str) -> Caller:
        """Token, account of the path, membership, scope and limit, in this order."""
        token = self.token(request)
        identity = self._world.book.identities[token.identity_id]
        account = self._account(request.params["account_id"])
        role = self._role(identity, account)
        self._limit(account)
        if not self._granted(token, scope, verb):
            raise denied("The access token lacks the required scope.")
        if role == "client" and verb == "write":
            raise denied()
        return Caller(identity, token, account, role)

    def _account(self, account_id: str) -> Account:
        account = self._world.book.accounts.get(account_id)
        if account is None:
            raise not_found("account", "accountid", account_id)
        return account

    def _role(self, identity: Identity, account: Account) -> str:
        for membership in identity.memberships:
            if membership.business_id == account.business_id:
                return membership.account_role
        raise denied("The server could not verify that you are authorized to access the URL.")

    def _granted(self, token: Token, scope: str, verb: str) -> bool:
        implied = verb == "read" and self._world.switches.on("write_scope_implies_read")
        wanted = {scope_of(scope, verb)} | ({scope_of(scope, "write")} if implied else set())
        return bool(wanted & set(token.scopes))

    def _limit(self, account: Account) -> None:
        limit = _ACCOUNT_LIMITS.get(self._world.switches["rate_limit"])
        if limit is None:
            return
        remaining, wait_s = self.windows.take(account.account_id, *limit, self._world.now())
        if remaining < 0:
            raise too_many_requests(max(1, round(wait_s + 0.5)))

    def rate_headers(self, key: str) -> tuple[dict[str, str], Problem | None]:
        """The X-RateLimit headers of identity and events, and the refusal if it is due."""
        now = self._world.now()
        remaining, wait_s = self.windows.take(f"me {key}", USERS_ME_PER_MINUTE, 60.0, now)
        retry_after_s = max(1, int(wait_s))
        headers = {
            "X-RateLimit-Limit": str(USERS_ME_PER_MINUTE),
            "X-RateLimit-Remaining": str(max(remaining, 0)),
            "X-RateLimit-Reset": str(int(now + wait_s)),
            "Retry-After": str(retry_after_s),
        }
        refused = remaining < 0 and self._world.switches["users_me_limit"] == "enforced"
        return headers, too_many_requests(retry_after_s) if refused else None
