"""Rules of the house that no single module can break unnoticed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations import AddField, AddIndex, RemoveIndex
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from connector import routing
from connector.jobs import kinds
from connector.vendors.stripe.subscriptions import (
    ENABLED_EVENTS,
    MAX_TYPES_PER_CALL,
    POLLED_EVENTS,
)

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("audit", "config", "connector", "tenants")
SOURCES = sorted(
    path
    for package in (*PRODUCT, "chaos", "demo", "sandbox")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)


def test_who_may_import_whom() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


OLDER_VERSIONS_SINCE = {"audit": "0002", "connector": "0006", "tenants": "0004"}
"""From these migrations on an older version works beside a newer one while it is rolled out."""


def test_a_new_column_has_a_default_in_the_database_for_older_versions() -> None:
    added = [
        apps.get_model(label, operation.model_name)._meta.get_field(operation.name)
        for (label, name), migration in MigrationLoader(None).disk_migrations.items()
        if name >= OLDER_VERSIONS_SINCE.get(label, "a")
        for operation in migration.operations
        if isinstance(operation, AddField)
    ]
    assert len(added) > 20
    lacking = [str(one) for one in added if not one.null and one.db_default is NOT_PROVIDED]
    assert not lacking


CONCURRENT_SINCE = {"audit": "0003", "connector": "0015", "tenants": "0007"}


def test_nobody_waits_while_an_index_is_built_or_dropped() -> None:
    """The whole migration is a transaction, unless it says otherwise: it would hold its locks to its end."""
    found = [
        (name, operation, migration.atomic)
        for (label, name), migration in MigrationLoader(None).disk_migrations.items()
        if name >= CONCURRENT_SINCE.get(label, "a")
        for operation in migration.operations
        if isinstance(operation, AddIndex | RemoveIndex)
    ]
    assert len(found) > 5
    concurrent = (AddIndexConcurrently, RemoveIndexConcurrently)
    assert all(isinstance(one, concurrent) and not atomic for _, one, atomic in found)


def test_every_kind_of_job_has_a_handler_and_every_handler_a_kind() -> None:
    assert set(routing.HANDLERS) == set(kinds.KINDS)


def test_every_subscribed_event_leads_to_work_and_nothing_else_is_routed() -> None:
    assert set(ENABLED_EVENTS) == set(routing.STRIPE_ROUTES)
    assert set(POLLED_EVENTS) <= set(ENABLED_EVENTS)
    assert len(POLLED_EVENTS) <= MAX_TYPES_PER_CALL


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 50, f"{node.name} has {lines} lines"


def _calls(path: Path) -> list[tuple[str, int]]:
    return [
        (node.func.id, node.lineno)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


SECONDS_TO_WAIT = {
    "connector/limits/seeing.py",
    "connector/vendors/freshbooks/envelopes.py",
    "connector/vendors/stripe/errors.py",
}


def test_no_float_where_money_passes() -> None:
    """What may be a float is how long to wait or to work, and calls per second."""
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] in PRODUCT
        for name, _ in _calls(path)
        if name == "float"
    }
    assert found == SECONDS_TO_WAIT
