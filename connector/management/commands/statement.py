"""The statement of a month: manage.py statement TENANT --month YYYY-MM."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.management.asking import cause_of
from connector.management.tables import table
from connector.statement import closing
from connector.statement.building import one_moment
from connector.statement.cells import shown
from connector.statement.formats import FORMATS, file_name, write_format
from connector.statement.making import Made, make_statement
from connector.statement.months import Month
from connector.statement.records import plain
from connector.statement.tables import tables_of
from tenants.finding import get_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Prints the sums, or writes the statement in one format; closes and reopens the month."""

    help = "Print or write the statement of a month; close the month, or open it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--format", choices=sorted(FORMATS), help="write it in this format")
        parser.add_argument("--out", metavar="FILE", help="where to; - is the standard output")
        decision = parser.add_mutually_exclusive_group()
        decision.add_argument("--close", action="store_true", help="close the month")
        decision.add_argument("--reopen", metavar="REASON", help="open it again, and why")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Decide first, if asked to; then make and write."""
        tenant, month = get_tenant(options["tenant"]), _month(options["month"])
        if options["out"] and not options["format"]:
            raise CommandError("--out needs --format.")
        _decide(tenant, month, options)
        with one_moment(tenant.pk):
            made = make_statement(tenant, month)
        told = _told(made)
        if options["format"]:
            told["file"] = _write(made, options["format"], options["out"])
        if told.get("file") == "-":
            return
        self.stdout.write(
            json.dumps(told, sort_keys=True) if options["json"] else _text(made, told)
        )


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _decide(tenant: Tenant, month: Month, options: dict[str, Any]) -> None:
    reason, cause = options["reopen"], cause_of("statement")
    try:
        with tenant_scope(tenant.pk):
            if options["close"]:
                closing.close_month(tenant, month, cause=cause)
            elif reason is not None:
                closing.reopen_month(tenant, month, reason=reason, cause=cause)
    except closing.CannotClose as error:
        raise CommandError(str(error)) from error


def _write(made: Made, name: str, out: str | None) -> str:
    if out == "-":
        write_format(made, name, sys.stdout.buffer)
        return "-"
    path = Path(out or file_name(made, name))
    try:
        with path.open("wb") as file:
            write_format(made, name, file)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    return str(path)


def _told(made: Made) -> dict[str, Any]:
    return {
        "totals": plain(made.statement.totals),
        "tenant": made.statement.tenant,
        "month": made.statement.month,
        "invoices": len(made.statement.invoices),
        "movements": len(made.statement.movements),
        "closed": made.closed is not None,
        "changed_since_close": made.changes.count if made.changes else 0,
    }


def _text(made: Made, told: dict[str, Any]) -> str:
    parts = [made.title]
    for found in tables_of(made):
        if found.name in {"totals", "carried", "payouts", "changes"} and found.count:
            rows = [tuple(shown(cell) for cell in row) for row in found.rows()]
            right = range(2, len(found.columns))
            parts += ["", found.title, table(found.columns, rows, right=right)]
    counts = f"{told['invoices']} invoices, {told['movements']} movements"
    state = ""
    if made.closed is not None:
        state = f" Closed {made.closed.closed_at:%Y-%m-%d} by {made.closed.closed_by};"
        state += f" {told['changed_since_close']} figures changed since."
    written = f" Written: {told['file']}" if "file" in told else ""
    return "\n".join([*parts, "", f"{counts}.{state}{written}"])
