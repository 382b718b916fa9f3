"""The application refuses to work as a database role that row security does not bind."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections

from tenants import checks
from tenants.checks import application_role_is_bound
from tenants.grants import UNDELETABLE_TABLES, grant_application_role


def test_the_plain_role_passes(db: None) -> None:
    assert application_role_is_bound(databases=["default"]) == []
    assert application_role_is_bound(databases=None) == []
    assert application_role_is_bound(databases=["owner"]) == []


def test_the_owner_is_refused(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "connection", connections["owner"])
    with pytest.raises(SystemCheckError, match=r"tenants\.E001"):
        call_command("check", "--database", "default", stdout=StringIO(), stderr=StringIO())


def test_the_role_may_not_truncate_own_or_change_history(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(privilege_type::text)"
            " FROM information_schema.table_privileges"
            " WHERE grantee = current_user AND table_schema = 'public' GROUP BY table_name"
        )
        rights: dict[str, list[str]] = dict(cursor.fetchall())
    assert set(rights["audit_auditentry"]) == {"SELECT", "INSERT"}
    assert set(rights["audit_auditchain"]) == {"SELECT", "INSERT", "UPDATE"}
    assert not any({"TRUNCATE", "TRIGGER", "REFERENCES"} & set(some) for some in rights.values())


def test_grants_are_given_once_and_only_by_the_owner(committed_db: None) -> None:
    class Sender:
        name = "tenants"

    grant_application_role(Sender(), using="default")  # type: ignore[arg-type]
    executed: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        executed.append(sql)
        return execute(sql, *rest)

    with connections["owner"].execute_wrapper(listen):
        Sender.name = "audit"
        grant_application_role(Sender(), using="owner")  # type: ignore[arg-type]
        assert executed == []
        Sender.name = "tenants"
        grant_application_role(Sender(), using="owner")  # type: ignore[arg-type]
    assert len([sql for sql in executed if sql.startswith("REVOKE")]) == 1 + len(UNDELETABLE_TABLES)
