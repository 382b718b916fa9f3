"""New permissions reach the groups that exist, and what an operator took away stays away."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from connector.models import RoleGrant
from connector.roles import ensure_roles

UPGRADE = import_module("connector.migrations.0009_decided_money")


def migrate() -> None:
    ensure_roles(apps.get_app_config("connector"), using="default")


def names(group: Group) -> set[str]:
    return set(group.permissions.values_list("codename", flat=True))


@pytest.fixture
def finance(db: None) -> Group:
    migrate()
    group: Group = Group.objects.get(name="Finance")
    return group


def before_the_upgrade(group: Group) -> Any:
    """As a version left it that did not know deciding yet and gave each permission once only."""
    Permission.objects.filter(codename="decide_outsidepayment").delete()
    RoleGrant.objects.all().delete()
    return group


def upgrade() -> None:
    with connection.cursor() as cursor:
        cursor.execute(UPGRADE.GIVEN_SO_FAR)
    migrate()


def test_a_new_permission_reaches_a_group_that_exists(finance: Group) -> None:
    before = names(finance)
    before_the_upgrade(finance)
    upgrade()
    assert names(finance) == before
    assert "decide_outsidepayment" in before
    support = Group.objects.get(name="Support")
    assert "decide_outsidepayment" not in names(support)


def test_what_an_operator_took_away_stays_away(finance: Group) -> None:
    taken = Permission.objects.get(codename="match_straypayment")
    finance.permissions.remove(taken)
    before_the_upgrade(finance)
    upgrade()
    assert "match_straypayment" not in names(finance)
    assert "decide_outsidepayment" in names(finance)
    migrate()
    assert "match_straypayment" not in names(finance)


def test_the_newest_that_was_taken_away_in_the_admin_stays_away(finance: Group) -> None:
    before_the_upgrade(finance)
    newest = finance.permissions.order_by("-pk")[0]
    finance.permissions.remove(newest)
    person = User.objects.create(username="olga")
    person.logentry_set.create(
        content_type=ContentType.objects.get_for_model(Group),
        object_id=str(finance.pk),
        object_repr="Finance",
        action_flag=2,
    )
    upgrade()
    assert newest.codename not in names(finance)
    assert "decide_outsidepayment" in names(finance)


def test_what_an_earlier_upgrade_forgot_is_given_now(finance: Group) -> None:
    """Pages that came later than the group, whose permissions exist already."""
    before = names(finance)
    before_the_upgrade(finance)
    late = Permission.objects.get(codename="view_payout")
    finance.permissions.remove(late)
    Permission.objects.filter(pk=late.pk).delete()
    Permission.objects.create(
        codename="view_payout", name=late.name, content_type=late.content_type
    )
    upgrade()
    assert names(finance) == before


def test_a_group_that_was_deleted_is_made_again_as_new(finance: Group) -> None:
    before = names(finance)
    finance.delete()
    migrate()
    assert names(Group.objects.get(name="Finance")) == before
