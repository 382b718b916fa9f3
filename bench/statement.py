"""How long the statement of a large month takes, and how much memory: prints one JSON object.

    python -m config.embedded --ephemeral --migrate -- python -m bench.statement [--invoices N]

Fills an empty database with one tenant's month, then makes each format in a process of its own, as
`manage.py statement` does. `seconds` is from the first query to the last byte, `start_s` what the
process needed before, `processor_s` what of both it spent computing; `peak_mb` is the most memory the process ever held (its resident set).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "only-for-this-measurement-and-nothing-else-at-all")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "only-for-this-measurement")

import django

django.setup()

from connector.models import (  # noqa: E402 - models need the setup above
    BalanceMovement,
    ClientLink,
    CollectedPayment,
    InvoiceLink,
    MoneyFact,
    Payout,
)
from connector.statement.building import one_moment  # noqa: E402
from connector.statement.formats import FORMATS, write_format  # noqa: E402
from connector.statement.making import make_statement  # noqa: E402
from connector.statement.months import Month  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.scope import tenant_scope  # noqa: E402

MONTH = Month(2026, 3)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BATCH = 2000


def main() -> None:
    """Fill, measure each format, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--measure", help="used by itself: make one format of the filled tenant")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    began = time.monotonic()
    fill(options.invoices)
    found: dict[str, Any] = {
        "invoices": options.invoices,
        "facts": _facts(),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "fill_s": round(time.monotonic() - began, 1),
        "formats": {name: _in_own_process(name) for name in FORMATS},
    }
    print(json.dumps(found, indent=2))


def _facts() -> int:
    tenant = Tenant.objects.get(slug="bench")
    with tenant_scope(tenant.pk):
        return MoneyFact.objects.count()


def _in_own_process(name: str) -> Any:
    command = [sys.executable, "-m", "bench.statement", "--measure", name]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = time.monotonic() - began
    told = json.loads(done.stdout)
    return told | {"start_s": round(whole - told["seconds"], 1)}


def measure(name: str) -> dict[str, Any]:
    """Make one format, as the command does."""
    tenant = Tenant.objects.get(slug="bench")
    began = time.monotonic()
    with one_moment(tenant.pk):
        made = make_statement(tenant, MONTH)
    built = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        with path.open("wb") as out:
            write_format(made, name, out)
        size = path.stat().st_size
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(time.monotonic() - began, 1),
        "build_s": round(built, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "file_kb": size // 1024,
        "invoices": len(made.statement.invoices),
        "movements": len(made.statement.movements),
    }


def fill(count: int) -> None:
    """One month: most payments recorded, some waiting, a tenth refunded, all of it paid out."""
    chance = random.Random(1)
    tenant = Tenant.objects.create(name="Bench", slug="bench", state="live")
    with tenant_scope(tenant.pk):
        clients = ClientLink.objects.bulk_create(
            ClientLink(tenant=tenant, freshbooks_client_id=number, name=f"Client {number} Ltd.")
            for number in range(1, count // 5 + 2)
        )
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            _batch(tenant, clients, numbers, chance)
        _payouts(tenant)


def _batch(
    tenant: Tenant, clients: list[ClientLink], numbers: range, chance: random.Random
) -> None:
    links = InvoiceLink.objects.bulk_create(
        _invoice(tenant, chance.choice(clients), number, chance.randint(1000, 900000))
        for number in numbers
    )
    payments, facts, movements = [], [], []
    for number, link in zip(numbers, links, strict=True):
        when = START + timedelta(minutes=chance.randint(0, 60 * 24 * 29))
        payment = _payment(tenant, link, number, when)
        payments.append(payment)
        facts += _of_invoice(payment, when, refunded=number % 10 == 0)
        movements.append(_movement(payment, when))
    CollectedPayment.objects.bulk_create(payments)
    MoneyFact.objects.bulk_create(facts)
    BalanceMovement.objects.bulk_create(movements)


def _invoice(tenant: Tenant, client: ClientLink, number: int, total: int) -> InvoiceLink:
    return InvoiceLink(
        tenant=tenant,
        freshbooks_invoice_id=1_000_000 + number,
        number=f"INV-{number:06}",
        client=client,
        state="settled",
        currency="CAD" if number % 20 else "USD",
        freshbooks_total_minor=total,
        freshbooks_paid_minor=total,
        freshbooks_outstanding_minor=0,
        freshbooks_status="paid",
        issued_on=date(2026, 3, 1),
        stripe_invoice_id=f"in_1Sx{number:020}",
        stripe_status="paid",
        stripe_total_minor=total,
        stripe_paid_minor=total,
        stripe_remaining_minor=0,
    )


def _payment(tenant: Tenant, link: InvoiceLink, number: int, when: datetime) -> CollectedPayment:
    recorded = number % 25 != 0
    return CollectedPayment(
        tenant=tenant,
        invoice=link,
        stripe_invoice_payment_id=f"inpay_1Sx{number:020}",
        stripe_payment_intent_id=f"pi_3Sx{number:021}",
        stripe_charge_id=f"ch_3Sx{number:021}",
        status="paid",
        amount_minor=link.freshbooks_total_minor or 0,
        currency=link.currency,
        paid_at=when,
        recording="recorded" if recorded else "awaiting_approval",
        freshbooks_payment_id=5_000_000 + number if recorded else None,
    )


def _of_invoice(payment: CollectedPayment, when: datetime, *, refunded: bool) -> list[MoneyFact]:
    facts = [
        _fact(payment, "collected", payment.amount_minor, when, payment.stripe_invoice_payment_id)
    ]
    number = payment.freshbooks_payment_id
    if number is not None:
        facts.append(_fact(payment, "payment", payment.amount_minor, when, str(number)))
    if refunded:
        refund = f"re_{payment.stripe_charge_id}"
        facts.append(_fact(payment, "refunded", -500, when + timedelta(hours=1), refund))
    return facts


def _fact(
    payment: CollectedPayment, kind: str, amount: int, when: datetime, source: str
) -> MoneyFact:
    in_book = kind == "payment"
    return MoneyFact(
        tenant_id=payment.tenant_id,
        invoice_id=payment.invoice_id,
        side="freshbooks" if in_book else "stripe",
        kind=kind,
        key=f"{kind}:{source}",
        source_id=source,
        payment_id=source if in_book else payment.stripe_payment_intent_id,
        amount_minor=amount,
        about_minor=-amount if kind == "refunded" else None,
        currency=payment.currency,
        happened_at=when,
        ours=in_book,
    )


def _movement(payment: CollectedPayment, when: datetime) -> BalanceMovement:
    fee = payment.amount_minor * 29 // 1000 + 30
    return BalanceMovement(
        tenant_id=payment.tenant_id,
        stripe_id=f"txn_{payment.stripe_charge_id}",
        type="charge",
        reporting_category="charge",
        source_id=payment.stripe_charge_id,
        amount_minor=payment.amount_minor,
        fee_minor=fee,
        net_minor=payment.amount_minor - fee,
        currency="CAD",
        payout_id=f"po_{when.day // 2:02}",
        created_at=when,
    )


def _payouts(tenant: Tenant) -> None:
    sums: dict[str, int] = {}
    for payout, net in BalanceMovement.objects.values_list("payout_id", "net_minor").iterator():
        sums[payout] = sums.get(payout, 0) + net
    Payout.objects.bulk_create(
        Payout(
            tenant=tenant,
            stripe_id=payout,
            amount_minor=net,
            currency="CAD",
            status="paid",
            created_at=START,
            arrives_on=date(2026, 3, 3 + int(payout[3:])),
            movements_read_at=START,
        )
        for payout, net in sums.items()
    )


if __name__ == "__main__":
    main()
