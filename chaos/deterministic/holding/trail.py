"""The audit trail is whole."""

from __future__ import annotations

from audit.verification import verify_chain
from tenants.scope import tenant_scope


def check_chain(tenant_id: int) -> list[str]:
    """I17: gapless, and each entry follows from the one before."""
    with tenant_scope(tenant_id):
        report = verify_chain(tenant_id)
    return [] if report.intact else [f"I17 audit chain: {report.problem}"]
