"""manage.py statement: prints, writes, closes and opens again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

import verify_statement
from connector.statement.formats import FORMATS
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.factories import make_tenant, unique
from tests.statement import busy
from tests.statement.books import Books, at


@pytest.fixture
def maple(db: None) -> Tenant:
    with every_tenant():
        tenant = make_tenant(name="Maple Joinery", slug=unique("maple-"))
        busy.fill(Books(tenant=tenant))
    return tenant


def told(tenant: Tenant, *arguments: str) -> str:
    out = StringIO()
    call_command("statement", tenant.slug, "--month", "2026-03", *arguments, stdout=out)
    return out.getvalue()


def test_people_read_the_sums(maple: Tenant) -> None:
    text = told(maple)
    for part in ("Maple Joinery: statement 2026-03", "Totals", "Bank deposits", "1,187.60", "JPY"):
        assert part in text, part


def test_machines_read_json(maple: Tenant) -> None:
    found = json.loads(told(maple, "--json"))
    assert (found["month"], found["closed"], found["changed_since_close"]) == ("2026-03", False, 0)
    assert [line["currency"] for line in found["totals"]] == ["CAD", "JPY", "KWD"]


def test_every_format_is_written(maple: Tenant, tmp_path: Path) -> None:
    for name in FORMATS:
        path = tmp_path / name
        assert str(path) in told(maple, "--format", name, "--out", str(path))
        assert path.stat().st_size
    assert verify_statement.main([str(tmp_path / "bundle")]) == 0


def test_closing_and_opening_again(maple: Tenant) -> None:
    assert "Closed" in told(maple, "--close")
    with pytest.raises(CommandError, match="closed already"):
        told(maple, "--close")
    with every_tenant():
        books = Books(tenant=maple)
        books.record(books.invoice("INV-50"), 10000, at(29))
    assert "Changed since the month was closed" in told(maple)
    assert json.loads(told(maple, "--json"))["changed_since_close"] == 4
    assert "Closed" not in told(maple, "--reopen", "A cheque came late.")


def test_what_makes_no_sense_is_refused(maple: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no month"):
        call_command("statement", maple.slug, "--month", "March")
    with pytest.raises(CommandError, match="--out needs --format"):
        told(maple, "--out", "x")
    with pytest.raises(CommandError, match="cannot be written"):
        told(maple, "--format", "csv", "--out", str(tmp_path / "none" / "x"))


def test_as_a_program_into_a_pipe(committed_db: None) -> None:
    with every_tenant():
        tenant = make_tenant(name="Program", slug=unique("program-"))
        busy.fill(Books(tenant=tenant))
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "statement", tenant.slug, "--month", "2026-03"),
            *("--format", "json", "--out", "-"),
        ],
        env=os.environ | {"SECRET_KEY": "x" * 50, "FIELD_ENCRYPTION_KEYS": "tests-only-field-key"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["tenant"] == tenant.slug
