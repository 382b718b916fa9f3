"""Holds the end of a run against everything that must hold."""

from __future__ import annotations

from chaos.deterministic.holding import invoices, payments, trail, work
from chaos.deterministic.holding.books import Books
from chaos.deterministic.people import People
from chaos.deterministic.world import World
from connector import inbox
from connector.models import Delivery, VendorWrite
from tenants.scope import tenant_scope
from tests.pipeline.shop import cause


def books_of(world: World) -> Books:
    """Both vendors' books as they stand now."""
    return Books(
        tenant_id=world.shop.tenant.pk,
        freshbooks=world.shop.fb_book(),
        stripe=world.shop.st_book(),
    )


def violations(world: World, people: People) -> list[str]:
    """Every invariant that the end of this run breaks."""
    found = check_books(books_of(world), set(people.invoices) - people.touched)
    found += check_ours(world)
    return found or check_replay(world)


def check_books(books: Books, plain: set[int]) -> list[str]:
    """What the vendors' books must show; `plain` invoices were only paid and refunded."""
    return [
        *invoices.check_one_asks(books),
        *invoices.check_totals(books),
        *invoices.check_no_orphans(books),
        *invoices.check_mails(books),
        *payments.check_each_recorded_once(books),
        *payments.check_markers(books),
        *payments.check_sums(books),
        *payments.check_nothing_left_to_people(books, plain),
    ]


def check_ours(world: World) -> list[str]:
    """What our own tables must show."""
    tenant_id = world.shop.tenant.pk
    tickets = [ticket for box in world.vendors.boxes() for ticket in box.all()]
    return [
        *work.check_at_rest(tenant_id),
        *work.check_writes_answered(tenant_id),
        *work.check_inbox(tenant_id, tickets),
        *trail.check_chain(tenant_id),
    ]


def check_replay(world: World) -> list[str]:
    """I19: going through every delivery again writes nothing to either vendor."""
    tenant_id = world.shop.tenant.pk
    with tenant_scope(tenant_id):
        before = VendorWrite.objects.count()
        ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
        inbox.replay(ids, cause=cause())
    world.settle()
    with tenant_scope(tenant_id):
        new = list(VendorWrite.objects.order_by("pk")[before:])
    return [f"I19 the replay wrote {row.operation} {row.entity}" for row in new]
