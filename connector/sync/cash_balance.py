"""Bank transfers that Stripe holds for a customer until it knows what they are for.

That money is still the customer's: it is shown, never booked, and nobody can match it here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audit.recording import record
from connector import journal
from connector.journal import Fact
from connector.models import MoneyFact, StrayPayment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.stray import client_of
from connector.vendors.stripe.money_records import StripeCashMovement
from connector.vendors.stripe.pages import all_pages
from tenants.scope import tenant_scope

State = StrayPayment.State
# They bring no new money, they take back what was said before.
REVERSALS = frozenset({"unapplied_from_payment", "return_canceled"})
APPLYING = frozenset({"applied_to_payment", "unapplied_from_payment"})


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One transfer that arrived, and what became of it, in minor units."""

    movement: StripeCashMovement
    applied_minor: int
    returned_minor: int

    @property
    def left_minor(self) -> int:
        """What Stripe still holds of it."""
        return self.movement.net_amount.amount_minor - self.applied_minor - self.returned_minor


def look_up_cash_balance(run: SyncRun, customer_id: str) -> str:
    """Keep what Stripe holds for a customer, one row for each transfer of which something is left."""
    movements = list(
        all_pages(lambda cursor: run.stripe.list_cash_movements(customer_id, cursor=cursor))
    )
    transfers = held_transfers(movements)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        for transfer in transfers:
            _keep(run, transfer)
        facts = [
            _fact(movement) for movement in reversed(movements)
        ]  # Stripe lists the newest first
        journal.keep(run.tenant_id, facts, correlation_id=run.job.cause.correlation_id)
    held = [str(_left(row)) for row in transfers if row.left_minor]
    return f"{', '.join(held) or 'nothing'} not applied"


def held_transfers(newest_first: Sequence[StripeCashMovement]) -> list[Transfer]:
    """What is left of each transfer, oldest first. Stripe uses the oldest money first (assumed).

    Which transfer paid what, Stripe does not say; the sum per currency is exact. Times are whole
    seconds and ids are random: only Stripe's own order tells what came first.
    """
    by_currency: dict[str, list[StripeCashMovement]] = defaultdict(list)
    for movement in reversed(newest_first):
        by_currency[movement.net_amount.currency].append(movement)
    return [row for rows in by_currency.values() for row in _of_currency(rows)]


def _of_currency(rows: list[StripeCashMovement]) -> list[Transfer]:
    came_in = [row for row in rows if _brings_money(row)]
    others = [row for row in rows if not _brings_money(row)]
    applied = -sum(row.net_amount.amount_minor for row in others if row.type in APPLYING)
    gone = -sum(row.net_amount.amount_minor for row in others if row.type not in APPLYING)
    found = []
    for row in came_in:
        amount = row.net_amount.amount_minor
        of_applied = max(0, min(applied, amount))
        of_gone = max(0, min(gone, amount - of_applied))
        applied, gone = applied - of_applied, gone - of_gone
        found.append(Transfer(movement=row, applied_minor=of_applied, returned_minor=of_gone))
    return found


def _fact(movement: StripeCashMovement) -> Fact:
    """What it adds to, or takes from, the money that Stripe holds for the customer.

    Stripe does not say which transfer paid what, so the journal holds it by customer.
    """
    return Fact(
        side=MoneyFact.Side.STRIPE,
        kind=MoneyFact.Kind.HELD,
        key=f"stripe:{movement.id}",
        source_id=movement.id,
        payment_id=movement.customer_id,
        money=movement.net_amount,
        happened_at=movement.created_at,
        note=movement.type.replace("_", " "),
    )


def _brings_money(row: StripeCashMovement) -> bool:
    return row.net_amount.amount_minor > 0 and row.type not in REVERSALS


def _left(row: Transfer) -> Money:
    return Money(row.left_minor, row.movement.net_amount.currency)


def _keep(run: SyncRun, transfer: Transfer) -> None:
    """A transfer that Stripe used up at once needs no row: its payment tells where it went."""
    movement = transfer.movement
    stray = StrayPayment.objects.filter(payment_id=movement.id).first()
    if stray is None:
        if transfer.left_minor == 0:
            return
        stray = _new_row(run, movement)
    before = (stray.state, stray.applied_minor, stray.returned_minor)
    stray.applied_minor, stray.returned_minor = transfer.applied_minor, transfer.returned_minor
    stray.state = _state(transfer, is_ignored=bool(stray.reason))
    stray.save()
    if before != (stray.state, stray.applied_minor, stray.returned_minor):
        record(
            tenant_id=run.tenant_id,
            action="money.held_by_stripe",
            entity=f"payment:{stray.payment_id}",
            cause=run.job.cause,
            details={"amount": str(movement.net_amount), "left": str(_left(transfer))},
        )


def _new_row(run: SyncRun, movement: StripeCashMovement) -> StrayPayment:
    client = client_of(movement.customer_id)
    return StrayPayment(
        tenant_id=run.tenant_id,
        payment_id=movement.id,
        via=StrayPayment.Via.CASH_BALANCE,
        state="",
        amount_minor=movement.net_amount.amount_minor,
        currency=movement.net_amount.currency,
        customer_id=movement.customer_id,
        client=client,
        payer_name=client.name if client else "",
        payer_email=client.email if client else "",
        description="Bank transfer that Stripe holds for the customer",
        method_type="customer_balance",
        paid_at=movement.created_at,
    )


def _state(transfer: Transfer, *, is_ignored: bool) -> State:
    if transfer.left_minor == 0:
        return State.MATCHED if transfer.applied_minor else State.RETURNED
    if is_ignored:
        return State.IGNORED
    return State.PARTLY if transfer.applied_minor else State.UNMATCHED
