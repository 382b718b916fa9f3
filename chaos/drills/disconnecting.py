"""A tenant disconnects: its credentials are gone, and are never used again (I32)."""

from __future__ import annotations

import time

from chaos.invariants.evidence import read_requests
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System
from sandbox.core.recording import digest

GRACE_S = 5.0
WATCHED_S = 15.0
SEALED = {
    "tenants_stripeconnection": ("api_key_sealed", "endpoint_secret_sealed"),
    "tenants_freshbooksgrant": ("access_token_sealed", "refresh_token_sealed"),
}


def no_call_after(system: System) -> Verdict:
    """Disconnect the last tenant while news for it come in, and watch its credentials."""
    one = system.tenants[-1]
    freshbooks, stripe = system.simulators()
    account = next(r for r in stripe.book()["accounts"] if r["id"] == one.stripe_account_id)
    tokens = [t for t in freshbooks.book()["tokens"] if t["identity_id"] == one.identity_id]
    credentials = {digest(key["secret"]) for key in account["keys"]}
    credentials |= {digest(token["access"]) for token in tokens}
    before = _sealed(system, one.tenant_id)
    system.stack.manage("disconnect", one.slug)
    at = time.time()
    for number in range(5):
        client = {"organization": f"Late {number}", "email": f"late-{number}@{one.slug}.example"}
        freshbooks.act("create_client", account_id=one.account_id, client=client)
    time.sleep(WATCHED_S)
    problems = [
        f"{call.vendor} {call.method} {call.path} {call.at - at:.0f} s after disconnecting"
        for call in read_requests(system.stack.record_file)
        if call.at > at + GRACE_S and call.credential in credentials
    ]
    problems += _left(before, _sealed(system, one.tenant_id))
    return judge("I32", len(credentials), problems, how="credentials of one tenant")


def _sealed(system: System, tenant_id: int) -> dict[str, str]:
    """What the columns hold that keep the tenant's secrets."""
    stripe = system.query("SELECT * FROM tenants_stripeconnection WHERE tenant_id = %s", tenant_id)
    grants = system.query(
        "SELECT g.* FROM tenants_freshbooksgrant g JOIN tenants_freshbooksconnection c"
        " ON c.grant_id = g.id WHERE c.tenant_id = %s",
        tenant_id,
    )
    rows = {"tenants_stripeconnection": stripe[0], "tenants_freshbooksgrant": grants[0]}
    return {
        f"{table}.{column}": bytes(rows[table][column]).decode()
        for table, columns in SEALED.items()
        for column in columns
    }


def _left(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Columns whose secret is not gone: an empty text, sealed, is shorter than any secret."""
    return [
        f"{name} still holds what it held or as much"
        for name, held in before.items()
        if after[name] == held or len(after[name]) >= len(held)
    ]
