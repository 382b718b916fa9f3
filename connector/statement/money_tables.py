"""Tables of the money itself: movements, money without invoice, deposits."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from connector.models import MoneyFact, StrayPayment
from connector.statement.cells import Amount, Row, Table, local, maybe
from connector.statement.records import HELD, BalanceLine, Movement, PayoutLine, Statement


def movements_table(statement: Statement, zone: ZoneInfo) -> Table:
    """Every movement of both sides."""
    return Table(
        name="movements",
        title="Movements",
        note=f"Both sides, by the vendors' clocks, in {statement.time_zone}. About is what an event "
        "is about that itself moves nothing, such as a dispute that is opened.",
        columns=(
            "Time",
            "Side",
            "What",
            "Invoice",
            "Currency",
            "Amount",
            "About",
            "Object",
            "Payment",
            "Note",
            "By us",
            "Fee",
            "Settled",
            "Settlement currency",
            "Rate",
            "Shown to payer",
            "Payer's currency",
            "Seen here",
        ),
        widths=(44, 20, 44, 24, 16, 23, 23, 45, 45, 0, *(0,) * 8),
        rows=lambda: (_movement(move, zone) for move in statement.movements),
        count=len(statement.movements),
    )


def _movement(move: Movement, zone: ZoneInfo) -> Row:
    return (
        local(move.at, zone),
        _SIDES.get(move.side, move.side),
        _KIND_WORDS.get(move.kind, move.kind),
        move.number or ("" if move.invoice is None else str(move.invoice)),
        move.currency,
        Amount(move.amount, move.currency),
        maybe(move.about, move.currency),
        move.source,
        move.payment,
        move.note,
        "yes" if move.ours else "",
        maybe(move.fee, move.settlement_currency),
        maybe(move.settlement, move.settlement_currency),
        move.settlement_currency,
        move.rate,
        maybe(move.presentment, move.presentment_currency),
        move.presentment_currency,
        local(move.seen_at, zone),
    )


_KIND_WORDS = {str(value): str(label) for value, label in MoneyFact.Kind.choices}
_STATES = {str(value): str(label) for value, label in StrayPayment.State.choices} | {
    HELD: "Held by Stripe for the customer"
}
_SIDES = {str(value): str(label) for value, label in MoneyFact.Side.choices}


def unmatched_table(statement: Statement) -> Table:
    """Stripe's money that stands for no invoice."""
    return Table(
        name="unmatched",
        title="Stripe money without invoice",
        note="What stands for no invoice: see Unmatched money. A negative amount is a refund of "
        "which it is not known for which invoice it is.",
        columns=("Payment", "Payer", "Currency", "Opening", "Moved", "Closing", "State", "Reason"),
        widths=(58, 52, 18, 26, 26, 26, 40, 40),
        rows=lambda: (
            (
                line.payment,
                line.payer,
                line.currency,
                *(Amount(v, line.currency) for v in (line.opening, line.moved, line.closing)),
                _STATES.get(line.state, line.state),
                line.reason,
            )
            for line in statement.unmatched
        ),
        count=len(statement.unmatched),
    )


def payouts_table(statement: Statement) -> Table:
    """The deposits, gross to net."""
    return Table(
        name="payouts",
        title="Bank deposits",
        note="Gross less fees, refunds, disputes, reserves and other is the net: the deposit.",
        columns=(
            "Arrives",
            "Payout",
            "Status",
            "Currency",
            *("Gross", "Fees", "Refunds", "Disputes", "Reserves", "Other"),
            *("Net", "Deposit", "Not accounted for", "Why"),
        ),
        widths=(20, 36, 16, 17, 21, 18, 18, 18, 19, 17, 21, 21, 22, 60),
        rows=lambda: (_payout(line) for line in statement.payouts),
        count=len(statement.payouts),
    )


def _payout(line: PayoutLine) -> Row:
    amounts = (*line.groups.values(), line.net, line.amount, line.rest)
    return (
        line.arrives_on,
        line.id,
        line.status.replace("_", " "),
        line.currency,
        *(Amount(value, line.currency) for value in amounts),
        line.why,
    )


_BALANCE = (
    "Time",
    "Movement",
    "Type",
    "Part",
    "Invoices",
    "Currency",
    "Amount",
    "Fee",
    "Net",
    "Charged",
    "Charged in",
    "Rate",
    "Source",
)
_BALANCE_WIDTHS = (33, 38, 24, 17, 26, 16, 22, 18, 22, 22, 15, 20, 0)


def _balance(line: BalanceLine, zone: ZoneInfo) -> Row:
    return (
        local(line.at, zone),
        line.id,
        line.type,
        line.group,
        line.invoices,
        line.currency,
        *(Amount(value, line.currency) for value in (line.amount, line.fee, line.net)),
        maybe(line.charged, line.charged_currency),
        line.charged_currency,
        line.rate,
        line.source,
    )


def payout_lines_table(statement: Statement, zone: ZoneInfo) -> Table:
    """What each deposit is made of."""
    return Table(
        name="payout_lines",
        title="What the deposits are made of",
        note="Amount less fee is net. Charged and rate are shown where the payer's currency differs.",
        columns=("Payout", *_BALANCE),
        widths=(0, *_BALANCE_WIDTHS),
        rows=lambda: (
            (payout.id, *_balance(line, zone))
            for payout in statement.payouts
            for line in payout.lines
        ),
        count=sum(len(payout.lines) for payout in statement.payouts),
    )


def not_paid_out_table(statement: Statement, zone: ZoneInfo) -> Table:
    """What is still on Stripe's balance."""
    return Table(
        name="not_paid_out",
        title="Not paid out yet",
        note="On Stripe's balance at the end of the month, in no deposit that had arrived.",
        columns=_BALANCE,
        widths=_BALANCE_WIDTHS,
        rows=lambda: (_balance(line, zone) for line in statement.not_paid_out),
        count=len(statement.not_paid_out),
    )
