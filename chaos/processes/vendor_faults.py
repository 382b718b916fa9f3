"""Vendors that stall, limit, fail and lie at every kind of call, and webhooks that go wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from random import Random

from chaos.processes.system import System
from chaos.processes.tenants import addresses
from demo.simulators import Simulator

REQUEST_FAULTS = (
    "timeout_before",
    "timeout_after",
    "reset_after",
    "status_500",
    "status_429",
    "error_200",
    "slow",
)
SLOW_S = 1.5
FRESHBOOKS_CALLS = {
    "list clients": ("GET", r"/users/clients$"),
    "read a client": ("GET", r"/users/clients/\d+$"),
    "list invoices": ("GET", r"/invoices/invoices$"),
    "read an invoice": ("GET", r"/invoices/invoices/\d+$"),
    "list payments": ("GET", r"/payments/payments$"),
    "make a payment": ("POST", r"/payments/payments$"),
    "change a payment": ("PUT", r"/payments/payments/\d+$"),
}
STRIPE_CALLS = {
    "make a customer": ("POST", r"/v1/customers$"),
    "make an invoice": ("POST", r"/v1/invoices$"),
    "add lines": ("POST", r"/add_lines$"),
    "finalize": ("POST", r"/finalize$"),
    "void": ("POST", r"/void$"),
    "read an invoice": ("GET", r"/v1/invoices/in_\w+$"),
    "list events": ("GET", r"/v1/events$"),
    "list payments": ("GET", r"/v1/invoice_payments$"),
    "report a payment": ("POST", r"/v1/payment_records"),
    "attach a payment": ("POST", r"/attach_payment$"),
}
CALLS = {"FreshBooks": FRESHBOOKS_CALLS, "Stripe": STRIPE_CALLS}
WEBHOOK_FAULTS = {
    "drop_webhook": 0.05,
    "duplicate_webhook": 0.05,
    "delay_webhook": 0.05,
    "reorder_webhooks": 0.05,
    "forge_webhook": 0.03,
}
DELAY_S = 4.0


class VendorFaults:
    """Sets faults up one after the other, each for one kind of call, and counts what struck."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vendor faults", daemon=True)
        self._freshbooks, self._stripe = system.simulators()
        self.met: Counter[str] = Counter()
        """How many faults each kind of call met."""
        self.errors: list[str] = []

    def start(self) -> None:
        """Faults begin: webhooks at once, calls one by one."""
        if self._system.size.vendor_rounds:
            self._disturb_webhooks()
        self._thread.start()

    def stop(self) -> Counter[str]:
        """No faults any more; how often each struck. Tenants that only poll stay deaf."""
        self._stop.set()
        self._thread.join()
        struck: Counter[str] = Counter()
        where = addresses(self._system)
        for simulator in (self._freshbooks, self._stripe):
            for kind, count in simulator.struck().items():
                struck[f"{simulator.name}: {kind}"] += count
            self._count_met(simulator)
            simulator.clear_faults()
            for one in self._system.tenants:
                if one.hears == "polls":
                    simulator.add_fault("drop_webhook", times=None, path=where[one.tenant_id])
        return struck

    def _count_met(self, simulator: Simulator) -> None:
        names = {
            call: f"{vendor}: {name}"
            for vendor, calls in CALLS.items()
            for name, call in calls.items()
        }
        if self._system.size.vendor_rounds:
            self.met.update(dict.fromkeys(names.values(), 0))
        for row in simulator.faults():
            match = row["match"]
            name = names.get((match.get("method", ""), match.get("path_regex", "")))
            if name:
                self.met[name] += row["hits"]

    def _run(self) -> None:
        try:
            faults = list(self._planned())
            pause = 0.9 * self._system.size.seconds / max(1, len(faults))
            for vendor, kind, method, path in faults:
                if self._stop.wait(pause):
                    return
                simulator = self._freshbooks if vendor == "FreshBooks" else self._stripe
                simulator.add_fault(kind, method=method, path=path, delay_s=SLOW_S)
        except Exception as error:  # noqa: BLE001 - in a thread, nobody else would hear of it
            self.errors.append(f"vendor faults: {type(error).__name__}: {error}")

    def _planned(self) -> Iterator[tuple[str, str, str, str]]:
        """Every kind of fault at every kind of call, so many times, in a seeded order."""
        rng = Random(f"{self._system.size.seed} vendor faults")
        faults = [
            (vendor, kind, method, path)
            for vendor, calls in CALLS.items()
            for method, path in calls.values()
            for kind in REQUEST_FAULTS
            for _ in range(self._system.size.vendor_rounds)
        ]
        rng.shuffle(faults)
        yield from faults

    def _disturb_webhooks(self) -> None:
        """For each tenant that hears: some of its webhooks. What only hears must not miss any."""
        where = addresses(self._system)
        for one in self._system.tenants:
            if one.hears == "polls":
                continue
            for simulator in (self._freshbooks, self._stripe):
                for kind, probability in WEBHOOK_FAULTS.items():
                    if kind == "drop_webhook" and one.hears == "webhooks":
                        continue
                    simulator.add_fault(
                        kind,
                        times=None,
                        path=where[one.tenant_id],
                        probability=probability,
                        delay_s=DELAY_S,
                    )
