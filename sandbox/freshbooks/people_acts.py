"""The verbs about businesses, logins and their grants."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.core.vendor import ActRefused
from sandbox.freshbooks.book import Business, Identity
from sandbox.freshbooks.fields import currency as check_currency
from sandbox.freshbooks.oauth import OAuthApi
from sandbox.freshbooks.people import (
    ACCOUNT_ROLE_OF,
    add_membership,
    create_business,
    create_identity,
)
from sandbox.freshbooks.world import World

Action = Mapping[str, Any]


class PeopleActs:
    """Businesses, logins, grants, and the settings of the developer app."""

    def __init__(self, world: World, oauth: OAuthApi) -> None:
        self._world, self._oauth = world, oauth
        self.verbs: dict[str, Callable[[Action], dict[str, Any]]] = {
            "create_business": self._create_business,
            "add_member": self._add_member,
            "set_subscription": self._set_subscription,
            "expire_tokens": self._expire_tokens,
            "revoke_grant": self._revoke_grant,
            "set_app_scopes": self._set_app_scopes,
            "register_redirect_uri": self._register_redirect_uri,
        }

    def _create_business(self, action: Action) -> dict[str, Any]:
        identity, business = create_business(
            self._world,
            name=_text(action, "name"),
            email=_text(action, "email"),
            currency=check_currency(action.get("currency", "USD")),
            first_name=str(action.get("first_name", "Sam")),
            accounting=not action.get("without_accounting", False),
        )
        return _who(identity, business)

    def _add_member(self, action: Action) -> dict[str, Any]:
        business = self._business_of(action["account_id"])
        role = action.get("role", "business_employee")
        if role not in ACCOUNT_ROLE_OF:
            raise ActRefused(f"role is one of {sorted(ACCOUNT_ROLE_OF)}")
        email = _text(action, "email")
        known = self._world.book.identity_by_email(email)
        identity = known or create_identity(
            self._world, email, str(action.get("first_name", "Kim"))
        )
        add_membership(self._world, identity, business, role)
        return _who(identity, business)

    def _set_subscription(self, action: Action) -> dict[str, Any]:
        business = self._business_of(action["account_id"])
        business.subscription = _text(action, "status")
        return {"account_id": business.account_id, "subscription": business.subscription}

    def _expire_tokens(self, action: Action) -> dict[str, Any]:
        identities = {one.id for one in self._identities_at(action.get("account_id"))}
        access_only = bool(action.get("access_only", False))
        expired = 0
        for token in self._world.book.by_access.values():
            if token.identity_id in identities and token.access_live:
                token.expires_at = min(token.expires_at, self._world.now())
                token.refresh_live = token.refresh_live and access_only
                expired += 1
        return {"expired": expired}

    def _revoke_grant(self, action: Action) -> dict[str, Any]:
        if action["identity_id"] not in self._world.book.identities:
            raise ActRefused(f"there is no identity {action['identity_id']!r}")
        return {"revoked": self._oauth.revoke_identity(action["identity_id"])}

    def _set_app_scopes(self, action: Action) -> dict[str, Any]:
        self._world.app.scopes = tuple(action["scopes"])
        return {"scopes": list(self._world.app.scopes)}

    def _register_redirect_uri(self, action: Action) -> dict[str, Any]:
        self._world.app.redirect_uris += (_text(action, "uri"),)
        return {"redirect_uris": list(self._world.app.redirect_uris)}

    def _business_of(self, account_id: str) -> Business:
        account = self._world.book.accounts.get(account_id)
        if account is None:
            raise ActRefused(f"there is no account {account_id!r}")
        return self._world.book.businesses[account.business_id]

    def _identities_at(self, account_id: str | None) -> Iterator[Identity]:
        business_id = None if account_id is None else self._business_of(account_id).id
        for identity in self._world.book.identities.values():
            businesses = {membership.business_id for membership in identity.memberships}
            if business_id is None or business_id in businesses:
                yield identity


def _who(identity: Identity, business: Business) -> dict[str, Any]:
    return {
        "identity_id": identity.id,
        "business_id": business.id,
        "account_id": business.account_id,
        "login": identity.email,
    }


def _text(action: Action, name: str) -> str:
    value = action[name]
    if not isinstance(value, str) or not value:
        raise ActRefused(f"{name} must be a text")
    return value
