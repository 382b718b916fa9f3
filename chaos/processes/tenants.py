"""Connecting the tenants, each through the real pages: OAuth, key, choices, plan, live."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from chaos.invariants.evidence import Connected
from chaos.processes.system import System
from demo.onboarding import Operator, connect, reconnect
from demo.stack import wait_until

MODES = ("record", "record", "record", "approve", "observe")
HEARS = ("both", "webhooks", "polls")
AT_ONCE = 3
NEVER_S = 10**6
POLL_S = {"both": 20, "polls": 10, "webhooks": NEVER_S}
PATIENCE_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a business tells of itself when it signs up."""

    name: str
    slug: str
    owner_email: str
    mode: str
    time_zone: str = "America/Toronto"


@dataclass(frozen=True, kw_only=True)
class Business:
    """A business with accounts at both vendors, not yet connected."""

    plan: Told
    stripe_key: str
    account_id: str
    stripe_account_id: str
    identity_id: int
    hears: str


def connect_tenants(system: System) -> None:
    """Sign all of them up, a few at a time, and set how each learns of news."""
    password = secrets.token_urlsafe(24)
    system.stack.manage(
        *("createsuperuser", "--noinput", "--username", "chaos", "--email", "chaos@example.com"),
        extra={"DJANGO_SUPERUSER_PASSWORD": password},
    )
    numbers = range(system.size.tenants)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        system.tenants.extend(pool.map(partial(_connect, system, password), numbers))
    _drop_webhooks(system, [one for one in system.tenants if one.hears == "polls"])


def _connect(system: System, password: str, number: int) -> Connected:
    business = _open_accounts(system, number)
    operator = Operator(system.stack.base_url, user="chaos", password=password)
    tenant_id = operator.add_tenant(business)
    link = operator.make_link(tenant_id)
    connect(link, business)
    system.links[tenant_id] = link, business.plan.owner_email
    one = Connected(
        tenant_id=tenant_id,
        slug=business.plan.slug,
        mode=business.plan.mode,
        account_id=business.account_id,
        stripe_account_id=business.stripe_account_id,
        identity_id=business.identity_id,
        hears=business.hears,
    )
    wait_until(lambda: _hears(system, one), f"webhooks of {one.slug}", PATIENCE_S)
    set_polls(system, one, POLL_S[one.hears])
    return one


def _open_accounts(system: System, number: int) -> Business:
    slug = f"chaos-{number}"
    freshbooks, stripe = system.simulators()
    email = f"{slug}@maple.example"
    made = freshbooks.act("create_business", name=slug, email=email, currency="CAD")
    account = stripe.act("create_account", name=slug, country="CA", default_currency="cad")
    return Business(
        plan=Told(name=slug, slug=slug, owner_email=email, mode=MODES[number % len(MODES)]),
        stripe_key=account["secret_key"],
        account_id=made["account_id"],
        stripe_account_id=account["account_id"],
        identity_id=made["identity_id"],
        hears=_way(system, number),
    )


def _way(system: System, number: int) -> str:
    """How a tenant hears. With clocks apart Stripe's webhooks are too old, so nobody relies on them."""
    ways = HEARS if not system.size.vendor_clock_s else ("both", "polls")
    return ways[number % len(ways)]


def reconnect_lost(system: System) -> int:
    """Whoever lost the grant, because a refresh was cut off, connects again; answer how many."""
    lost = system.query(
        "SELECT tenant_id FROM tenants_freshbooksconnection WHERE state = 'needs_reauth'"
    )
    for row in lost:
        link, login = system.links[row["tenant_id"]]
        reconnect(link, login=login)
    return len(lost)


def _hears(system: System, one: Connected) -> bool:
    active = system.query(
        "SELECT count(*) FROM tenants_freshbookscallback WHERE tenant_id = %s AND state = 'active'",
        one.tenant_id,
    )
    endpoint = system.query(
        "SELECT 1 FROM tenants_stripeconnection WHERE tenant_id = %s AND endpoint_id <> ''",
        one.tenant_id,
    )
    return int(active[0]["count"]) > 8 and bool(endpoint)


def set_polls(system: System, one: Connected, every_s: int) -> None:
    """How often both vendors are asked for news; NEVER_S for not at all."""
    system.query(
        "UPDATE tenants_tenant SET poll_interval_s = %s WHERE id = %s", every_s, one.tenant_id
    )
    due = "now() + interval '30 days'" if every_s == NEVER_S else "now()"
    system.query(
        f"UPDATE connector_pollfeed SET next_due_at = {due}"
        " WHERE tenant_id = %s AND feed <> 'reconcile'",
        one.tenant_id,
    )


def _drop_webhooks(system: System, tenants: Sequence[Connected]) -> None:
    """For good: these tenants hear nothing but what they ask for."""
    where = addresses(system)
    for simulator in system.simulators():
        for one in tenants:
            simulator.add_fault("drop_webhook", times=None, path=where[one.tenant_id])


def addresses(system: System) -> dict[int, str]:
    """For each tenant a pattern of all its webhook addresses."""
    freshbooks, stripe = (simulator.book() for simulator in system.simulators())
    endpoints = {row["id"]: row["webhook_endpoints"] for row in stripe["accounts"]}
    found = {}
    for one in system.tenants:
        urls = [row["uri"] for row in freshbooks["accounts"][one.account_id]["callbacks"]]
        urls += [row["url"] for row in endpoints[one.stripe_account_id]]
        found[one.tenant_id] = "|".join(url.rstrip("/").rsplit("/", 1)[-1] for url in urls)
    return found
