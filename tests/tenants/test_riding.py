"""Rows that are saved along with the next statement: no trip of their own, nothing lost, nothing mixed up."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from bench.counting import counted_statements
from config.prepared import prepared_cursor
from config.riding import is_riding, save_along
from tenants.models import StripeConnection, Tenant
from tenants.scope import shared_scope, taken_back, tenant_scope
from tests.factories import make_stripe_connection

FOREIGN = '100% "Ö\'Brien" \\ %s %(id)s $1; DROP TABLE tenants_tenant; -- €'


@pytest.fixture
def row(fresh_tenant: Tenant) -> StripeConnection:
    """A row of the tenant, with a name that somebody else chose."""
    made: StripeConnection = make_stripe_connection(fresh_tenant)
    made.account_name = FOREIGN
    return made


def saved_name(row: StripeConnection) -> str:
    with tenant_scope(row.tenant_id):
        return str(StripeConnection.objects.get(pk=row.pk).account_name)


def test_it_goes_with_the_next_statement_which_sees_it(row: StripeConnection) -> None:
    with tenant_scope(row.tenant_id), counted_statements() as counted:
        save_along(row, "account_name")
        found = StripeConnection.objects.filter(account_name=FOREIGN).values_list("pk", "state")
        assert list(found) == [(row.pk, row.state)]
        assert counted.count == 1


def test_it_goes_with_a_prepared_statement(row: StripeConnection) -> None:
    with tenant_scope(row.tenant_id), counted_statements() as counted:
        save_along(row, "account_name")
        with prepared_cursor() as cursor:
            cursor.execute(
                "SELECT account_name, %s FROM tenants_stripeconnection WHERE id = %s",
                ["5 %", row.pk],
            )
            assert cursor.fetchall() == [(FOREIGN, "5 %")]
        assert counted.count == 1


def test_it_goes_with_a_statement_without_parameters(row: StripeConnection) -> None:
    with tenant_scope(row.tenant_id), connection.cursor() as cursor:
        save_along(row, "account_name")
        cursor.execute(
            "SELECT count(*) FROM tenants_stripeconnection WHERE account_name LIKE '100%'"
        )
        assert cursor.fetchone() == (1,)
    assert saved_name(row) == FOREIGN


def test_without_a_next_statement_it_goes_at_the_end_of_the_scope(row: StripeConnection) -> None:
    with tenant_scope(row.tenant_id):
        save_along(row, "account_name")
    assert saved_name(row) == FOREIGN


def test_in_a_scope_within_one_both_are_saved_in_their_order(row: StripeConnection) -> None:
    with tenant_scope(row.tenant_id):
        save_along(row, "account_name")
        with tenant_scope(row.tenant_id):
            row.account_name = "later"
            save_along(row, "account_name")
    assert saved_name(row) == "later"


def test_of_a_scope_that_fails_nothing_is_saved_and_nothing_waits(row: StripeConnection) -> None:
    def fail() -> None:
        with tenant_scope(row.tenant_id):
            save_along(row, "account_name")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not is_riding()
    assert saved_name(row) != FOREIGN


def test_a_failed_inner_scope_takes_back_its_own_only(row: StripeConnection) -> None:
    def fail() -> None:
        with tenant_scope(row.tenant_id):
            row.account_name = "never"
            save_along(row, "account_name")
            raise ZeroDivisionError

    with tenant_scope(row.tenant_id):
        save_along(row, "account_name")
        with pytest.raises(ZeroDivisionError):
            fail()
    assert saved_name(row) == FOREIGN


def test_in_a_scope_that_several_share_it_is_saved(row: StripeConnection) -> None:
    with shared_scope(row.tenant_id), tenant_scope(row.tenant_id):
        save_along(row, "account_name")
    assert saved_name(row) == FOREIGN


def test_it_is_taken_back_with_everything_else(row: StripeConnection) -> None:
    with taken_back(row.tenant_id), tenant_scope(row.tenant_id):
        save_along(row, "account_name")
    assert not is_riding()
    assert saved_name(row) != FOREIGN


def test_a_row_that_is_gone_fails_the_whole(row: StripeConnection) -> None:
    gone = StripeConnection(pk=0, tenant_id=row.tenant_id, account_name="nobody")

    def save_both() -> None:
        with tenant_scope(row.tenant_id):
            save_along(row, "account_name")
            save_along(gone, "account_name")

    with pytest.raises(DatabaseError, match="not there to be saved"):
        save_both()
    assert saved_name(row) != FOREIGN
