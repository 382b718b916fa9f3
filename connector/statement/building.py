"""Builds the statement of a month from what is kept. Asks no vendor, changes nothing.

The month is one of the calendar in the books' time zone. What happened in it is decided by the
vendors' clocks, so a fact that arrives late still belongs to its month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Q

from connector.currencies import EXPONENTS
from connector.models import Discrepancy, StrayPayment
from connector.statement import reading, totals
from connector.statement.invoices import by_number, invoice_lines
from connector.statement.months import Month
from connector.statement.payouts import rate_text, read_not_paid_out, read_payouts
from connector.statement.records import HELD, LooseLine, Movement, OpenDifference, Statement
from tenants.models import Tenant
from tenants.scope import tenant_scope


@contextmanager
def one_moment(tenant_id: int) -> Iterator[None]:
    """The tenant's scope in which all queries see the same moment, if none is open already."""
    with transaction.atomic():
        if len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with tenant_scope(tenant_id):
            yield


def build_statement(tenant: Tenant, month: Month) -> Statement:
    """The statement of this month. Inside the tenant's scope; `one_moment` opens a good one.

    Units: integer minor units; the exponent of each currency that occurs is in `exponents`.
    """
    start, end = month.bounds(ZoneInfo(tenant.time_zone))
    last = reading.last_fact()
    lines = invoice_lines(start, end, after=month.following.first_day, last=last)
    invoices = tuple(sorted(lines, key=by_number))
    movements = tuple(_movement(fact) for fact in reading.facts_between(start, end, last))
    unmatched = tuple(_loose(start, end, last))
    payouts = read_payouts(month.first_day, month.following.first_day)
    not_paid_out = read_not_paid_out(end, month.following.first_day)
    differences = tuple(_open_differences(end))
    made = Statement(
        tenant=tenant.slug,
        tenant_name=tenant.name,
        month=str(month),
        time_zone=tenant.time_zone,
        starts_at=start,
        ends_at=end,
        payment_mode=tenant.payment_mode,
        exponents={},
        invoices=invoices,
        movements=movements,
        unmatched=unmatched,
        payouts=payouts,
        not_paid_out=not_paid_out,
        totals=totals.totals_of(invoices, unmatched),
        open_differences=differences,
        control=totals.control_of(movements, payouts, not_paid_out, differences),
    )
    return replace(made, exponents=_exponents(made))


def _movement(fact: dict[str, Any]) -> Movement:
    on_invoice = fact["invoice_id"] is not None
    return Movement(
        at=fact["happened_at"],
        seen_at=fact["seen_at"],
        side=fact["side"],
        kind=fact["kind"],
        invoice=fact["fb_id"],
        number=fact["number"] or "",
        column=reading.column_of(fact["kind"], ours=fact["ours"]) if on_invoice else "",
        amount=fact["amount_minor"],
        loose=reading.loose_part(fact),
        currency=fact["currency"],
        about=fact["about_minor"],
        source=fact["source_id"],
        payment=fact["payment_id"],
        presentment=fact["presentment_minor"],
        presentment_currency=fact["presentment_currency"],
        settlement=fact["settlement_minor"],
        settlement_currency=fact["settlement_currency"],
        rate=rate_text(fact["exchange_rate"]),
        fee=fact["fee_minor"],
        ours=fact["ours"],
        note=fact["note"],
    )


def _loose(start: datetime, end: datetime, last: int) -> Iterator[LooseLine]:
    """Payments of which something stood for no invoice at some time of the month."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for fact in reading.loose_facts(end, last):
        part = reading.loose_part(fact)
        if part:
            in_month = fact["happened_at"] >= start
            found = sums[fact["payment_id"] or fact["source_id"], fact["currency"]]
            found[in_month] += part
            found[2] += in_month
    strays = {
        payment: (name or email, state, reason)
        for payment, name, email, state, reason in StrayPayment.objects.filter(
            payment_id__in={payment for payment, _ in sums}
        ).values_list("payment_id", "payer_name", "payer_email", "state", "reason")
    }
    strays |= _held({payment for payment, _ in sums if payment not in strays})
    for (payment, currency), (opening, moved, count) in sorted(sums.items()):
        if opening or count:
            payer, state, reason = strays.get(payment, ("", "", ""))
            yield LooseLine(
                payment=payment,
                currency=currency,
                payer=payer,
                state=state,
                reason=reason,
                opening=opening,
                moved=moved,
                closing=opening + moved,
            )


def _held(customers: set[str]) -> dict[str, tuple[str, str, str]]:
    """The payers of bank transfers that Stripe holds: their money is named by its customer."""
    rows = StrayPayment.objects.filter(
        via=StrayPayment.Via.CASH_BALANCE, customer_id__in=customers
    ).order_by("pk")
    return {
        customer: (name or email, HELD, "")
        for customer, name, email in rows.values_list("customer_id", "payer_name", "payer_email")
    }


def _open_differences(end: datetime) -> Iterator[OpenDifference]:
    rows = Discrepancy.objects.filter(opened_at__lt=end).filter(
        Q(state=Discrepancy.State.OPEN) | Q(closed_at__gte=end)
    )
    for row in rows.select_related("invoice").order_by("opened_at", "pk"):
        yield OpenDifference(
            kind=row.kind,
            subject=row.subject,
            number=row.invoice.number if row.invoice else "",
            severity=row.severity,
            currency=row.currency,
            freshbooks=row.freshbooks_minor,
            stripe=row.stripe_minor,
            explanation=row.explanation,
            step=row.suggested_step,
            owner=row.owner,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )


def _exponents(made: Statement) -> dict[str, int]:
    """Of every currency that the statement names."""
    named = {line.currency for line in made.totals} | {line.currency for line in made.payouts}
    named |= {line.currency for line in made.not_paid_out}
    named |= {row.currency for row in made.open_differences}
    for move in made.movements:
        named |= {move.currency, move.presentment_currency, move.settlement_currency}
    for payout in made.payouts:
        named |= {line.charged_currency for line in payout.lines}
    named |= {line.charged_currency for line in made.not_paid_out}
    return {code: EXPONENTS[code] for code in sorted(named) if code in EXPONENTS}
