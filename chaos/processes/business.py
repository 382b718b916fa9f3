"""What the people of all tenants do: a seeded story for each invoice, played at a steady pace."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

from chaos.invariants.evidence import Connected, Row
from chaos.processes.size import Size
from chaos.processes.stories import FATES, STEPS, Story, decimal, split
from chaos.processes.system import System
from demo.simulators import ActRefusedError

PAYABLE, BLOCKED = ("open", "settled"), "blocked"
LOOK_EVERY_S = 0.2
LONGEST_WAIT_S = 300.0  # for an invoice to become payable, after the last one was written


class Business:
    """Plays all stories from a thread of its own."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._size: Size = system.size
        self._random = random.Random(f"{system.size.seed} business")
        self._freshbooks, self._stripe = system.simulators()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="business", daemon=True)
        self._clients: dict[int, list[int]] = {}
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.left = 0
        self.errors: list[str] = []

    def start(self) -> None:
        """The people begin."""
        self._thread.start()

    def finish(self) -> None:
        """Wait until all stories are told, or cannot go on."""
        self._thread.join()

    def stop(self) -> None:
        """Break off."""
        self._stop.set()
        self._thread.join()

    @property
    def goes_on(self) -> bool:
        """Whether anything is still to happen."""
        return self._thread.is_alive()

    @property
    def entities(self) -> int:
        """Clients, invoices and payments so far."""
        names = ("client", "write", "pay", "pay half", "pay more", "cheque", "cheque for half")
        return sum(self.done[name] for name in names)

    def _run(self) -> None:
        try:
            self._play()
        except Exception as error:  # noqa: BLE001 - in a thread, nobody else would hear of it
            self.errors.append(f"the business broke off: {type(error).__name__}: {error}")

    def _play(self) -> None:
        began = time.monotonic()
        waiting = list(self._stories())
        total, under_way = len(waiting), list[Story]()
        deadline = began + self._size.seconds + LONGEST_WAIT_S
        while (waiting or under_way) and time.monotonic() < deadline and not self._stop.is_set():
            share = min(1.0, (time.monotonic() - began) / (0.9 * self._size.seconds))
            while waiting and total - len(waiting) < share * total + 1:
                under_way.append(self._write(waiting.pop()))
            under_way = self._go_on(under_way)
            self._stop.wait(LOOK_EVERY_S)
        self.left = len(waiting) + sum(bool(story.steps) for story in under_way)

    def _stories(self) -> Iterator[Story]:
        fates, weights = list(FATES), list(FATES.values())
        stories = [
            Story(
                of=one,
                number=number,
                fate=(fate := self._random.choices(fates, weights)[0]),
                cents=self._random.randint(500, 400_000),
                steps=list(STEPS[fate]),
            )
            for one in self._system.tenants
            for number in range(self._size.invoices)
        ]
        self._random.shuffle(stories)
        return iter(stories)

    def _write(self, story: Story) -> Story:
        lines = split(story.cents, self._random)
        made = self._system.act(
            self._freshbooks,
            "create_invoice",
            account_id=story.of.account_id,
            send=story.fate != "draft",
            invoice={
                "customerid": self._client(story.of),
                "due_offset_days": 30,
                "currency_code": "CAD",
                "lines": [
                    {"name": "Work", "qty": "1", "unit_cost": {"amount": one, "code": "CAD"}}
                    for one in lines
                ],
            },
        )
        story.id = int(made["id"])
        self.done["write"] += 1
        return story

    def _client(self, of: Connected) -> int:
        """A client of this tenant: a new one until there are enough."""
        known = self._clients.setdefault(of.tenant_id, [])
        if len(known) < self._size.clients:
            number = len(known)
            made = self._system.act(
                self._freshbooks,
                "create_client",
                account_id=of.account_id,
                client={
                    "organization": f"Haddad {number} of {of.slug}",
                    "email": f"ap-{number}@{of.slug}.example",
                    "p_country": "Canada",
                    "currency_code": "CAD",
                },
            )
            known.append(int(made["id"]))
            self.done["client"] += 1
            return known[-1]
        return self._random.choice(known)

    def _go_on(self, stories: list[Story]) -> list[Story]:
        """One step further for some of them; answer those with steps left."""
        ready = [story for story in stories if story.steps]
        batch = self._random.sample(ready, min(len(ready), 40))
        known = self._in_stripe(batch)
        for story in batch:
            state, story.stripe_id = known.get((story.of.tenant_id, story.id), ("", ""))
            if state in PAYABLE:
                self._step(story)
            elif state == BLOCKED:  # nobody pays before a person has decided
                self.refused["left to a person"] += 1
                story.steps.clear()
        return [story for story in ready if story.steps]

    def _in_stripe(self, stories: list[Story]) -> dict[tuple[int, int], tuple[str, str]]:
        """State and Stripe invoice of those that can be paid, or that wait for a person: people see
        that in their mail, here it is looked up.
        """
        if not stories:
            return {}
        rows = self._system.query(
            "SELECT tenant_id, freshbooks_invoice_id, state, stripe_invoice_id"
            " FROM connector_invoicelink WHERE freshbooks_invoice_id = ANY(%s) AND state = ANY(%s)",
            [story.id for story in stories],
            [*PAYABLE, BLOCKED],
        )
        return {
            (row["tenant_id"], row["freshbooks_invoice_id"]): (
                row["state"],
                row["stripe_invoice_id"],
            )
            for row in rows
        }

    def _step(self, story: Story) -> None:
        name = story.steps[0]
        try:
            if self._do(name, story):
                self.done[name] += 1
                story.steps.pop(0)
        except ActRefusedError:  # the world moved on meanwhile: so does the story
            self.refused[name] += 1
            story.steps.clear()

    def _do(self, name: str, story: Story) -> bool:
        """Whether it could be done already."""
        half = story.cents // 2
        if name in ("pay", "pay half", "pay more"):
            amount = {"pay half": half, "pay more": story.cents + 500}.get(name)
            return self._pay(story, amount)
        if name in ("cheque", "cheque for half"):
            cents = story.cents if name == "cheque" else half
            self._in_freshbooks(story, "record_payment", invoiceid=story.id, amount=decimal(cents))
        elif name == "edit":
            story.cents += 1111
            line = {"name": "Work", "qty": "1", "unit_cost": {"amount": decimal(story.cents)}}
            self._in_freshbooks(story, "edit_invoice", id=story.id, invoice={"lines": [line]})
        elif name == "delete":
            self._in_freshbooks(story, "delete_invoice", id=story.id)
        elif name == "void":
            self._at_stripe(story, "void_invoice", invoice=story.stripe_id)
        elif name == "delete our payment":
            return self._delete_our_payment(story)
        else:
            return self._take_back(name, story, half)
        return True

    def _pay(self, story: Story, amount: int | None) -> bool:
        wanted = {} if amount is None else {"amount": amount}
        paid = self._at_stripe(story, "pay_invoice", invoice=story.stripe_id, **wanted)
        story.payment_intent, story.charge = str(paid["payment_intent"]), str(paid["charge"])
        return True

    def _take_back(self, name: str, story: Story, half: int) -> bool:
        if name == "dispute":
            opened = self._at_stripe(story, "dispute", charge=story.charge)
            verb = self._random.choice(("win_dispute", "lose_dispute"))
            self._at_stripe(story, verb, dispute=opened["id"])
        else:
            part = {"amount": half} if name == "refund half" else {}
            self._at_stripe(story, "refund", payment_intent=story.payment_intent, **part)
        return True

    def _delete_our_payment(self, story: Story) -> bool:
        rows = self._system.query(
            "SELECT freshbooks_payment_id AS id FROM connector_collectedpayment"
            " WHERE tenant_id = %s AND recording = 'recorded' AND stripe_payment_intent_id = %s",
            story.of.tenant_id,
            story.payment_intent,
        )
        if rows:
            self._in_freshbooks(story, "delete_payment", id=rows[0]["id"])
        return bool(rows) or story.of.mode != "record"

    def _in_freshbooks(self, story: Story, do: str, **arguments: object) -> Row:
        account = story.of.account_id
        return self._system.act(self._freshbooks, do, account_id=account, **arguments)

    def _at_stripe(self, story: Story, do: str, **arguments: object) -> Row:
        account = story.of.stripe_account_id
        return self._system.act(self._stripe, do, account_id=account, **arguments)
