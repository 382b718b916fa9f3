"""Whose grant it is: the login and the businesses that it can reach.

Shapes: GET /auth/api/v1/users/me; source: contract section 1.6.
"""

from __future__ import annotations

from connector.vendors.freshbooks.records import Business, Identity
from connector.vendors.reading import Fields

CLIENT_ROLE = "client"


def to_identity(source: Fields) -> Identity:
    """Read `response` of users/me.

    A business may name no accounting account although it has one; then it is looked for among the
    login's roles. A business without any keeps account_id "" and cannot be connected.
    """
    memberships = source.children("business_memberships")
    roles = _roles(source)
    named = {account for item in memberships if (account := _account_id(item))}
    return Identity(
        identity_id=source.integer("identity_id" if source.has("identity_id") else "id"),
        email=source.text_or_empty("email"),
        businesses=tuple(
            _business(item, roles, _fallback(memberships, roles, named)) for item in memberships
        ),
    )


def _roles(source: Fields) -> dict[str, set[str]]:
    """What the login may be in each account: {"Kq3ZrP": {"admin"}}."""
    found: dict[str, set[str]] = {}
    for role in source.children("roles") if source.has("roles") else []:
        account_id = role.text_or_empty("accountid")
        if account_id:
            found.setdefault(account_id, set()).add(role.text_or_empty("role").casefold())
    return found


def _account_id(membership: Fields) -> str:
    return membership.child("business").text_or_empty("account_id")


def _fallback(memberships: list[Fields], roles: dict[str, set[str]], named: set[str]) -> str:
    """The account of the one business that names none, if the roles leave only one choice.

    Roles do not say which business they belong to, and a `client` role is somebody else's account.
    """
    without = [item for item in memberships if not _account_id(item)]
    free = [account for account, held in roles.items() if account not in named]
    owned = [account for account in free if roles[account] - {CLIENT_ROLE, ""}]
    return owned[0] if len(without) == 1 and len(owned) == 1 else ""


def _business(membership: Fields, roles: dict[str, set[str]], fallback: str) -> Business:
    """A login that is only a client of the account can write nothing there, whatever its scopes."""
    business = membership.child("business")
    account_id = _account_id(membership) or fallback
    only_client = roles.get(account_id) == {CLIENT_ROLE}
    return Business(
        business_id=business.integer("id"),
        account_id=account_id,
        name=business.text_or_empty("name"),
        role=CLIENT_ROLE if only_client else membership.text_or_empty("role"),
    )
