"""Short plays, each around one failure. What they leave is judged by the checks of every run."""

from __future__ import annotations

from collections.abc import Callable

from chaos.deterministic.gathering import gather
from chaos.deterministic.judging import look_at, nobody_asked, told
from chaos.deterministic.trouble import Trouble
from chaos.deterministic.world import World
from connector.models import InvoiceLink
from tenants.scope import tenant_scope
from tests.money.vendor_books import minor as _minor


def trouble(world: World, kind: str, only: str, others: Callable[[], None] | None = None) -> None:
    """`kind` strikes once, at the first place whose name has `only` in it."""
    made = Trouble(world, others or world.settle, only=only)
    made.arm(kind, 0)
    world.crossings.meet, world.around = made.meet, made.around
    world.trouble = made


def calm(world: World) -> None:
    """Nothing goes wrong any more; what is late has landed."""
    world.crossings.meet, world.around = lambda _: None, lambda _, execute: execute()
    if world.trouble is not None:
        world.trouble.land_what_is_late(all_of_it=True)


def end(world: World) -> list[str]:
    """What all runs are held against."""
    evidence = gather(world)
    (pair,) = evidence.pairs
    return told([*look_at(world, evidence), nobody_asked(evidence, set(pair.invoices))])


def stale(world: World) -> list[str]:
    """I11: what we last saved of an invoice is what FreshBooks has, once nothing is left to do."""
    rows = {row["id"]: row for row in world.shop.fb_book()["invoices"]}
    with tenant_scope(world.shop.tenant.pk):
        links = list(InvoiceLink.objects.all())
    found = []
    for link in links:
        row = rows[link.freshbooks_invoice_id]
        ours = (link.freshbooks_total_minor, link.freshbooks_outstanding_minor)
        theirs = (_minor(row["amount"]), _minor(row["outstanding"]))
        if ours != theirs:
            found.append(f"I11 invoice {row['id']}: we say {ours}, FreshBooks says {theirs}")
    return found


def sent(world: World, *amounts: str) -> int:
    """An invoice that is sent and open in Stripe."""
    made = world.shop.invoice(*amounts)
    world.settle()
    return made


def pay_with(kind: str, only: str = "POST /accounting") -> Callable[[World], None]:
    """An invoice is paid, and recording that meets this trouble."""

    def play(world: World) -> None:
        invoice = sent(world, "120.00")
        trouble(world, kind, only)
        world.shop.pay(invoice, 4000)
        world.settle()
        calm(world)
        world.compare_all()

    return play


def send_with(kind: str, only: str) -> Callable[[World], None]:
    """An invoice is sent, and making it in Stripe meets this trouble."""

    def play(world: World) -> None:
        trouble(world, kind, only)
        world.shop.invoice("120.00")
        world.settle()  # by itself: no comparison comes to help
        calm(world)

    return play
