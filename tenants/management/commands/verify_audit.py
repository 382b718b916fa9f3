"""Check the audit chains: manage.py verify_audit [TENANT] [--anchors FILE]… [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.anchors import BadAnchors, read_anchors
from audit.models import AuditChain
from audit.verification import ChainReport, verify_chain
from tenants.finding import get_tenant
from tenants.scope import every_tenant, tenant_scope


class Command(BaseCommand):
    """Exit code 0 only if every chain is as it was written."""

    help = "Check that nobody changed, removed or cut entries of the audit trail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id; without it every chain is checked."""
        parser.add_argument("tenant", nargs="?", help="slug or id; default: every tenant")
        parser.add_argument(
            "--anchors",
            action="append",
            type=Path,
            metavar="FILE",
            help="copies of the chains' heads to compare with; default: AUDIT_ANCHOR_FILE",
        )
        parser.add_argument("--json", action="store_true", help="print the reports as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Check, print, and fail if a chain is broken."""
        anchors = _anchors(options["anchors"])
        reports = []
        for tenant_id in _tenant_ids(options["tenant"]):
            with tenant_scope(tenant_id):
                reports.append(verify_chain(tenant_id, anchors=anchors.get(tenant_id)))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(report) for report in reports], indent=2))
        else:
            for report in reports:
                self.stdout.write(_line(report))
        broken = sum(not report.intact for report in reports)
        if broken:
            raise CommandError(f"{broken} of {len(reports)} audit chains are broken.")


def _anchors(named: list[Path] | None) -> dict[int, dict[int, str]]:
    usual = [Path(settings.AUDIT_ANCHOR_FILE)] if settings.AUDIT_ANCHOR_FILE else []
    paths = named or [path for path in usual if path.exists()]
    try:
        return read_anchors(paths)
    except (OSError, BadAnchors) as error:
        raise CommandError(f"The anchors cannot be read: {error}") from error


def _tenant_ids(wanted: str | None) -> list[int]:
    """Chains outlive their tenants, so it is chains that are listed."""
    if wanted:
        return [int(wanted) if wanted.isdecimal() else get_tenant(wanted).pk]
    with every_tenant():
        return list(AuditChain.objects.order_by("tenant_id").values_list("tenant_id", flat=True))


def _line(report: ChainReport) -> str:
    if report.intact:
        return f"tenant {report.tenant_id}: {report.entries} entries, intact, {report.head_hash}"
    return (
        f"tenant {report.tenant_id}: BROKEN at entry {report.first_bad_sequence}: {report.problem}"
    )
