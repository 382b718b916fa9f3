"""All accounts of the simulator, with the clock, ids, switches and webhooks they share."""

import random

from sandbox.core.clock import Clock
from sandbox.core.switches import Switches
from sandbox.core.webhooks import WebhookSender
from sandbox.stripe.alarms import Task, run_due
from sandbox.stripe.book import Account, ApiKey
from sandbox.stripe.context import Context
from sandbox.stripe.errors import StripeRefusedError
from sandbox.stripe.events import raise_event
from sandbox.stripe.ids import IdMaker
from sandbox.stripe.resources import balance_transactions, lifecycle
from sandbox.stripe.spec import pinned_version
from sandbox.stripe.switches import SWITCHES


class World:
    """The whole of the simulated Stripe."""

    def __init__(self, clock: Clock, webhooks: WebhookSender, source: random.Random) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self.ids = IdMaker(source)
        self.switches = Switches(SWITCHES)
        self.accounts: dict[tuple[str, bool], Account] = {}
        self.base_url = ""

    def reset(self) -> None:
        """Forget every account and put the switches back."""
        self.accounts.clear()
        self.switches.reset()

    def now(self) -> float:
        """The sandbox time."""
        return self._clock.now()

    def open_account(self, description: dict[str, object]) -> Account:
        """Open an account in one mode, with a secret key."""
        livemode = description.get("livemode") is True
        account_id = str(description.get("account_id") or "acct_1" + self.ids.token(15))
        name = str(description.get("name") or "Sandbox account")
        account = Account(
            id=account_id,
            name=name,
            email=str(description.get("email") or "owner@example.com"),
            country=str(description.get("country") or "US"),
            default_currency=str(description.get("default_currency") or "usd").lower(),
            livemode=livemode,
            created=int(self.now()),
            default_version=pinned_version(),
        )
        mode = "live" if livemode else "test"
        account.keys.append(ApiKey(f"sk_{mode}_51{self.ids.token(40)}"))
        self.accounts[account_id, livemode] = account
        return account

    def context(
        self, account: Account, request_id: str | None = None, key: str | None = None
    ) -> Context:
        """Give what work on an account needs."""
        return Context(
            account=account,
            now=int(self.now()),
            ids=self.ids,
            switches=self.switches,
            send=self._webhooks.send,
            base_url=self.base_url,
            request_id=request_id,
            idempotency_key=key,
        )

    def run_due(self, account: Account) -> None:
        """Do what should have happened by now."""
        if account.alarms:
            run_due(self.context(account), TASKS)

    def run_all_due(self) -> None:
        """Do what should have happened by now in every account."""
        for account in self.accounts.values():
            self.run_due(account)


def fill_balance(ctx: Context, charge_id: str) -> None:
    """Give a charge its balance transaction."""
    balance_transactions.fill(ctx, charge_id)


def finalize_invoice(ctx: Context, invoice_id: str) -> None:
    """Finalize a draft that is to advance by itself; say so when that fails."""
    invoice = ctx.account.table("invoice").get(invoice_id)
    due = invoice and invoice["status"] == "draft" and invoice["auto_advance"]
    if not invoice or not due or (invoice["automatically_finalizes_at"] or 0) > ctx.now:
        return
    try:
        lifecycle.open_invoice(ctx, invoice)
    except StripeRefusedError as error:
        invoice["last_finalization_error"] = {"type": error.kind, "message": error.message}
        raise_event(ctx, "invoice.finalization_failed", invoice)
        return
    if invoice["collection_method"] == "send_invoice" and invoice["status"] == "open":
        lifecycle.mail(ctx, invoice)
        invoice["_sent"] = True
        raise_event(ctx, "invoice.sent", invoice)


def overdue_invoice(ctx: Context, invoice_id: str) -> None:
    """Say that an invoice is overdue."""
    invoice = ctx.account.table("invoice").get(invoice_id)
    if invoice and invoice["status"] == "open" and invoice["due_date"] <= ctx.now:
        raise_event(ctx, "invoice.overdue", invoice)


TASKS: dict[str, Task] = {
    "fill_balance": fill_balance,
    "make_available": balance_transactions.make_available,
    "finalize_invoice": finalize_invoice,
    "overdue_invoice": overdue_invoice,
}
