"""What the checkers of all tiers read, taken from a run in this process."""

from __future__ import annotations

import itertools

from django.utils import timezone

from chaos.deterministic.world import World
from chaos.invariants.evidence import Connected, Evidence, Row, as_request
from sandbox.core.recording import tried


def gather(world: World) -> Evidence:
    """Both vendors' books and records, what people did, and our rows."""
    shop, vendors = world.shop, (world.vendors.freshbooks, world.vendors.stripe)
    tenant = Connected(
        tenant_id=shop.tenant.pk,
        slug=shop.tenant.slug,
        mode=shop.tenant.payment_mode,
        account_id=shop.account_id,
        stripe_account_id=shop.stripe_account_id,
        identity_id=shop.identity_id,
    )
    return Evidence(
        freshbooks=vendors[0].state(),
        stripe=vendors[1].state(),
        tenants=[tenant],
        query=world.owner.rows,
        at=timezone.now(),
        requests=[as_request(row) for one in vendors for row in one.requests],
        tries=_tries(world),
        acts=sorted(itertools.chain(*(one.acts for one in vendors)), key=lambda act: act["at"]),
    )


def _tries(world: World) -> list[Row]:
    return [
        tried(one.controls.vendor.name, ticket, each)
        for one in (world.vendors.freshbooks, world.vendors.stripe)
        for ticket in one.box.all()
        for each in ticket.tries
    ]
