"""What bringing invoices and payments in step costs in calls, statements and time."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from bench import jobs
from bench.clock import virtual_clock
from bench.counting import counted_statements
from bench.latency import event_to_recorded
from bench.measures import Found, Result
from bench.method import Effort, median_of, ratio, take_turns
from bench.place import Place
from bench.reconciliation import seed
from connector.jobs import kinds
from connector.models import CollectedPayment, PollFeed, VendorWrite
from tenants.models import FreshBooksGrant, StripeConnection
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import Shop, open_shop

MINIMUM_NEW = 3 + 1 / 100  # create, add lines, finalize; a page of a hundred
OUTAGE_S, REST_S, BEFORE_S, STEP_S = 600, 3600, 300, 10
ONE_INVOICE_EVERY_S = 120


def shop_of(place: Place) -> Shop:
    """A live tenant that records payments, with one client that both sides know."""
    shop = open_shop(place.freshbooks, place.stripe)
    shop.sync(shop.invoice("100.00"))
    return shop


def new_invoices(place: Place, effort: Effort, result: Result) -> None:
    """P12 and P6a: found by a poll, made in Stripe, ready to be paid."""
    shop, count = shop_of(place), effort.size(200, 30)
    for _ in range(count):
        shop.invoice("100.00", "20.00")
    before = place.calls()
    with counted_statements() as statements:
        shop.enqueue(kinds.POLL_FRESHBOOKS)
        shop.settle()
    calls = place.calls() - before
    result.found += [
        Found.count("P12", calls / count / MINIMUM_NEW, calls_per_invoice=calls / count),
        Found.count("P6a", statements.count / calls, per_invoice=statements.count / count),
    ]


def unchanged_invoices(place: Place, effort: Effort, result: Result) -> None:
    """P13, P28: a poll that begins anew, and the full comparison."""
    shop, count = open_shop(place.freshbooks, place.stripe), effort.size(1000, 150)
    with tenant_scope(shop.tenant.pk):
        secret = StripeConnection.objects.get().api_key
    seed(shop, count, place.stripe.url, secret)
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    shop.settle()
    with tenant_scope(shop.tenant.pk):
        writes = VendorWrite.objects.count()
        PollFeed.objects.update(watermarks={})
    polled = _calls_of(place, lambda: shop.enqueue(kinds.POLL_FRESHBOOKS), shop)
    compared = _calls_of(place, lambda: shop.enqueue(kinds.RECONCILE_ALL), shop)
    with tenant_scope(shop.tenant.pk):
        written = VendorWrite.objects.count() - writes
    result.found += [
        Found.count("P13", polled / count * 100, calls=polled, invoices=count),
        Found.count("P13a", written),
        Found.count("P28", compared * 1000 / count, calls=compared, invoices=count),
    ]


def _calls_of(place: Place, ask: Callable[[], object], shop: Shop) -> int:
    before = place.calls()
    ask()
    shop.settle()
    return place.calls() - before


def payments(place: Place, effort: Effort, result: Result) -> None:
    """P14: found by a poll of events, recorded in FreshBooks; then with some answers lost."""
    count = effort.size(100, 20)
    result.found.append(Found.count("P14", _calls_per_payment(place, count)))
    place.freshbooks.fault(
        "reset_after",
        {"method": "POST", "path_regex": "/payments/payments"},
        times=None,
        probability=0.05,
    )
    lossy = _calls_per_payment(place, effort.size(200, 40))
    place.freshbooks.control("DELETE", "faults")
    result.found.append(Found.count("P14a", lossy))


def _calls_per_payment(place: Place, count: int) -> float:
    shop = shop_of(place)
    invoices = [shop.invoice("100.00") for _ in range(count)]
    for invoice in invoices:
        shop.enqueue_look(invoice)
    shop.settle()
    shop.poll()
    for invoice in invoices:
        shop.pay(invoice)
    calls = _calls_of(place, lambda: shop.enqueue(kinds.POLL_STRIPE), shop)
    with tenant_scope(shop.tenant.pk):
        recorded = CollectedPayment.objects.filter(recording="recorded").count()
    if recorded != count:
        raise RuntimeError(f"{recorded} of {count} payments were recorded")
    return calls / count


def throughput(place: Place, effort: Effort, result: Result) -> None:
    """P8: one process makes new invoices; a bare loop makes the same calls to the same simulators."""
    shop = shop_of(place)
    loop = BareLoop(shop)
    size = {"now": 10}

    def product() -> float:
        invoices = [shop.invoice("100.00") for _ in range(size["now"])]
        for invoice in invoices:
            shop.enqueue_look(invoice)
        before, started = place.calls(), time.monotonic()
        shop.pump()
        seconds = time.monotonic() - started
        return (place.calls() - before) / seconds

    def bare() -> float:
        invoices = [shop.invoice("100.00") for _ in range(size["now"])]
        before, started = place.calls(), time.monotonic()
        for invoice in invoices:
            loop.make(invoice)
        seconds = time.monotonic() - started
        return (place.calls() - before) / seconds

    size["now"] = max(10, int(product() / 4 * effort.slice_s))
    rounds = take_turns({"product": product, "bare": bare}, rounds=effort.rounds)
    found = Found.of(
        "P8",
        ratio(rounds, "product", "bare"),
        calls_per_s=median_of(rounds, "product"),
        bare_calls_per_s=median_of(rounds, "bare"),
    )
    result.found.append(found)


class BareLoop:
    """The calls for a new invoice and nothing else: one connection to each vendor, no database."""

    def __init__(self, shop: Shop) -> None:
        with tenant_scope(shop.tenant.pk):
            stripe = StripeConnection.objects.get()
        self._shop, self._http = shop, requests.Session()
        self._stripe_headers = {
            "Authorization": f"Bearer {stripe.api_key}",
            "Stripe-Version": "2026-10-28.endive",
        }
        with every_tenant():
            grant = FreshBooksGrant.objects.get(identity_id=shop.identity_id)
        self._book_headers = {"Authorization": f"Bearer {grant.access_token}"}
        self._customer = shop.st_book()["customers"][0]["id"]

    def make(self, invoice_id: int) -> None:
        """Read it, make it in Stripe, finalize it."""
        shop = self._shop
        path = f"/accounting/account/{shop.account_id}/invoices/invoices/{invoice_id}"
        book = f"{shop.freshbooks.url}{path}?include[]=lines"
        self._http.get(book, headers=self._book_headers, timeout=10).raise_for_status()
        draft = self._post(
            "invoices",
            {
                "customer": self._customer,
                "collection_method": "send_invoice",
                "days_until_due": "30",
                "currency": "cad",
            },
        )
        self._post(f"invoices/{draft}/add_lines", {"lines[0][amount]": "10000"})
        self._post(f"invoices/{draft}/finalize", {})

    def _post(self, path: str, form: dict[str, str]) -> str:
        answer = self._http.post(
            f"{self._shop.stripe.url}/v1/{path}",
            data=form,
            headers=self._stripe_headers,
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["id"])


def outage(place: Place, effort: Effort, result: Result) -> None:
    """P23: ten minutes in which both vendors only answer 500, and the hour after, on a virtual clock."""
    plain = _calls_over_time(place, effort, broken=False)
    broken = _calls_over_time(place, effort, broken=True)
    result.found.append(Found.count("P23", broken / plain, calls=broken, without=plain))


def _calls_over_time(place: Place, effort: Effort, *, broken: bool) -> int:
    """Polls every five minutes, and a new invoice every other one, for three tenants."""
    jobs.forget_jobs()
    with virtual_clock(place) as clock:
        shops = [shop_of(place) for _ in range(effort.size(3, 1))]
        for shop in shops:
            _poll_from_now(shop)
        before = place.calls()

        def act(now: float) -> None:
            if now % ONE_INVOICE_EVERY_S < STEP_S:
                for shop in shops:
                    shop.invoice("100.00")

        clock.play(BEFORE_S, step_s=STEP_S, act=act)
        if broken:
            _answer_500(place)
        clock.play(OUTAGE_S, step_s=STEP_S, act=act)
        for vendor in (place.freshbooks, place.stripe):
            vendor.control("DELETE", "faults")
        clock.play(REST_S, step_s=STEP_S, act=act)
        return place.calls() - before


def _poll_from_now(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.exclude(feed=PollFeed.Feed.RECONCILE).update(
            next_due_at=shop.tenant.live_at
        )


def _answer_500(place: Place) -> None:
    for vendor in (place.freshbooks, place.stripe):
        vendor.fault(
            "status_500", {"path_regex": "^/(v1|accounting|auth|events|payments)"}, times=None
        )


PARTS = (
    new_invoices,
    unchanged_invoices,
    payments,
    throughput,
    event_to_recorded,
    outage,
)
