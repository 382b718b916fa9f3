"""Which businesses a login reaches, and which account of each the connector may use."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import VendorContractBroken
from connector.vendors.freshbooks.identities import to_identity
from connector.vendors.freshbooks.records import Business
from connector.vendors.reading import Fields


def businesses(
    memberships: list[tuple[int, str | None, str]], roles: list[tuple[str, str]]
) -> tuple[Business, ...]:
    body: dict[str, Any] = {
        "id": 7,
        "identity_id": None,
        "email": "owner@maplejoinery.example",
        "business_memberships": [
            {"id": 1, "role": role, "business": {"id": number, "name": "N", "account_id": account}}
            for number, account, role in memberships
        ],
        "roles": [{"accountid": account, "role": role} for account, role in roles],
    }
    return to_identity(Fields.of(body, vendor="freshbooks", where="me")).businesses


def accounts(found: tuple[Business, ...]) -> list[tuple[int, str, str]]:
    return [(item.business_id, item.account_id, item.role) for item in found]


@pytest.mark.parametrize(
    ("memberships", "roles", "expected"),
    [
        ([(1, "A", "owner")], [("A", "admin")], [(1, "A", "owner")]),
        # no account named: the login's one role that is left over
        ([(1, None, "owner")], [("A", "admin")], [(1, "A", "owner")]),
        (
            [(1, "A", "owner"), (2, None, "owner")],
            [("A", "admin"), ("B", "owner")],
            [(1, "A", "owner"), (2, "B", "owner")],
        ),
        # the role left over is as a client of somebody else: not the business' own account
        ([(1, None, "owner")], [("A", "client")], [(1, "", "owner")]),
        # two choices, or two businesses without an account: nobody can tell
        ([(1, None, "owner")], [("A", "admin"), ("B", "admin")], [(1, "", "owner")]),
        (
            [(1, None, "owner"), (2, None, "owner")],
            [("A", "admin")],
            [(1, "", "owner"), (2, "", "owner")],
        ),
        # no accounting account at all
        ([(1, None, "owner")], [], [(1, "", "owner")]),
        # only a client of the account, whatever the membership says
        ([(1, "A", "owner")], [("A", "client")], [(1, "A", "client")]),
        ([(1, "A", "owner")], [("A", "client"), ("A", "admin")], [(1, "A", "owner")]),
        ([], [], []),
    ],
)
def test_accounts_and_roles(
    memberships: list[tuple[int, str | None, str]],
    roles: list[tuple[str, str]],
    expected: list[tuple[int, str, str]],
) -> None:
    assert accounts(businesses(memberships, roles)) == expected


def test_a_business_needs_its_id() -> None:
    with pytest.raises(VendorContractBroken, match=r"business\.id"):
        businesses([(None, "A", "owner")], [])  # type: ignore[list-item]
