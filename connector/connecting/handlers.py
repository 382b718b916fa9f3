"""The jobs of this package: each reads its job and calls one function."""

from __future__ import annotations

from connector.connecting import ping as pinging
from connector.connecting import webhooks
from connector.connecting.erasing import erase_tenant as erase
from connector.connecting.freshbooks_callbacks import confirm_callback as confirm
from connector.jobs.context import JobRun


def ping(job: JobRun) -> str:
    """Check both connections."""
    lines = pinging.ping(job.tenant_id)
    failed = [line.what for line in lines if not line.ok]
    return f"failed: {', '.join(failed)}" if failed else f"all {len(lines)} checks passed"


def register_webhooks(job: JobRun) -> str:
    """Make sure that both vendors tell us of changes."""
    return webhooks.register_webhooks(job.tenant_id, cause=job.cause)


def erase_tenant(job: JobRun) -> str:
    """Erase the tenant for good."""
    left = erase(job.tenant_id, cause=job.cause, except_job=job.job_id)
    return f"erased; not taken back: {'; '.join(left)}" if left else "erased"


def confirm_callback(job: JobRun) -> str:
    """Answer FreshBooks' handshake. The subject is the callback's row."""
    return confirm(job.tenant_id, int(job.subject), cause=job.cause)
