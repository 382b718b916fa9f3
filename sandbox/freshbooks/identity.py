"""`users/me`: who the token belongs to, and which businesses."""

from typing import Any

from sandbox.core.vendor import Request, Response, Route
from sandbox.freshbooks.access import Access
from sandbox.freshbooks.book import Business, Identity, Membership
from sandbox.freshbooks.problems import Problem, render_problem
from sandbox.freshbooks.times import iso_text
from sandbox.freshbooks.world import World


class IdentityApi:
    """HTTP for the identity."""

    def __init__(self, world: World, access: Access) -> None:
        self._world, self._access = world, access

    def routes(self) -> list[Route]:
        """One call."""
        paths = ("/auth/api/v1/users/me", "/service/auth/api/v1/users/me")
        return [Route("GET", path, self._me) for path in paths]

    def _me(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            token = self._access.token(request)
            headers, refusal = self._access.rate_headers(str(token.identity_id))
            if refusal is not None:
                raise refusal
        except Problem as problem:
            response = render_problem(problem, request, self._world.switches)
            response.headers.update(headers)
            return response
        identity = self._world.book.identities[token.identity_id]
        return Response(200, {"response": self.render(identity)}, headers)

    def render(self, identity: Identity) -> dict[str, Any]:
        """The identity; there is no `result` layer here."""
        pairs = [
            (membership, self._world.book.businesses[membership.business_id])
            for membership in identity.memberships
        ]
        with_account = [(m, b, b.account_id) for m, b in pairs if b.account_id is not None]
        moment = iso_text(identity.created_at)
        return {
            "id": identity.id,
            "profile": _profile(identity),
            "identity_id": identity.id,
            "identity_uuid": identity.uuid,
            "first_name": identity.first_name,
            "last_name": identity.last_name,
            "email": identity.email,
            "language": "en",
            "confirmed_at": moment,
            "created_at": moment,
            "unconfirmed_email": None,
            "setup_complete": True,
            "phone_numbers": [{"title": "", "phone_number": None}],
            "addresses": [None],
            "profession": None,
            "links": {
                "me": f"/service/auth/api/v1/users?id={identity.id}",
                "roles": f"/service/auth/api/v1/users/role/{identity.id}",
            },
            "permissions": {account: {} for _, _, account in with_account},
            "groups": [_group(identity, membership) for membership, _ in pairs],
            "subscription_statuses": {a: b.subscription for _, b, a in with_account},
            "integrations": {},
            "business_memberships": [_membership(m, b) for m, b in pairs],
            "identity_origin": None,
            "roles": [_role(identity, m, account) for m, _, account in with_account],
        }


def _profile(identity: Identity) -> dict[str, Any]:
    return {
        "setup_complete": True,
        "first_name": identity.first_name,
        "last_name": identity.last_name,
        "phone_number": None,
        "address": None,
        "professions": [],
        "has_password": True,
    }


def _group(identity: Identity, membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.id + 10_000,
        "group_id": membership.business_id + 10_000,
        "role": membership.role,
        "identity_id": identity.id,
        "identity_uuid": identity.uuid,
        "business_id": membership.business_id,
        "active": True,
    }


def _membership(membership: Membership, business: Business) -> dict[str, Any]:
    return {
        "id": membership.id,
        "role": membership.role,
        "unacknowledged_change": False,
        "business": {
            "id": business.id,
            "business_uuid": business.uuid,
            "name": business.name,
            "account_id": business.account_id,
            "date_format": "yyyy-mm-dd",
            "address": None,
            "phone_number": None,
            "business_clients": [],
        },
    }


def _role(identity: Identity, membership: Membership, account_id: str) -> dict[str, Any]:
    return {
        "id": membership.id + 20_000,
        "role": membership.account_role,
        "systemid": membership.business_id + 30_000,
        "userid": 1,
        "created_at": iso_text(identity.created_at),
        "links": {"destroy": f"/service/auth/api/v1/users/role/{membership.id + 20_000}"},
        "accountid": account_id,
    }
