"""What people do in FreshBooks itself, by verb; the API's own functions carry it out."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.core.vendor import ActRefused
from sandbox.freshbooks.book import ARCHIVED, DELETED, Account, Tax
from sandbox.freshbooks.clients import Clients
from sandbox.freshbooks.events import raise_event
from sandbox.freshbooks.fields import money, percent
from sandbox.freshbooks.invoices import Invoices
from sandbox.freshbooks.ledger import add_credit_note
from sandbox.freshbooks.money import read_decimal
from sandbox.freshbooks.online import set_payment_options, stripe_connection
from sandbox.freshbooks.payments import Payments
from sandbox.freshbooks.people_acts import PeopleActs
from sandbox.freshbooks.problems import Problem
from sandbox.freshbooks.reference import CreditNotes, Taxes
from sandbox.freshbooks.resource import Resource
from sandbox.freshbooks.times import eastern_day
from sandbox.freshbooks.world import World

Action = Mapping[str, Any]
Verb = Callable[[Account, Action], dict[str, Any]]


def exact_numbers(value: Any) -> Any:
    """JSON numbers with a point as Decimal, as the API reads them."""
    if isinstance(value, Mapping):
        return {key: exact_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact_numbers(item) for item in value]
    return Decimal(str(value)) if isinstance(value, float) else value


class Acts:
    """The verbs. Those about one account live here, those about logins in `people_acts`."""

    def __init__(self, world: World, people: PeopleActs) -> None:
        self._world, self._people = world, people
        self.clients, self.invoices = Clients(world), Invoices(world)
        self.payments, self.credit_notes = Payments(world), CreditNotes(world)
        self.taxes = Taxes(world)
        self._verbs: dict[str, Verb] = {
            "create_client": self._create_client,
            "edit_client": self._edit_client,
            "archive_client": self._with_state(self.clients, ARCHIVED),
            "delete_client": self._with_state(self.clients, DELETED),
            "restore_client": self._with_state(self.clients, 0),
            "create_invoice": self._create_invoice,
            "edit_invoice": self._edit_invoice,
            "send_invoice": self._send_invoice,
            "view_invoice": self._view_invoice,
            "archive_invoice": self._with_state(self.invoices, ARCHIVED),
            "delete_invoice": self._with_state(self.invoices, DELETED),
            "restore_invoice": self._with_state(self.invoices, 0),
            "record_payment": self._record_payment,
            "record_gateway_payment": self._record_gateway_payment,
            "edit_payment": self._edit_payment,
            "delete_payment": self._with_state(self.payments, DELETED),
            "restore_payment": self._with_state(self.payments, 0),
            "give_credit": self._give_credit,
            "apply_credit": self._apply_credit,
            "create_tax": self._create_tax,
            "connect_gateway": self._connect_gateway,
            "disconnect_gateway": self._disconnect_gateway,
            "set_payment_options": self._set_payment_options,
            "stop_callbacks": self._stop_callbacks,
            "resume_callbacks": self._resume_callbacks,
        }

    def act(self, action: Action) -> dict[str, Any]:
        """Carry out one action; ActRefused if FreshBooks would refuse or it makes no sense."""
        verb, action = action["do"], exact_numbers(action)
        try:
            if verb in self._people.verbs:
                return self._people.verbs[verb](action)
            if verb not in self._verbs:
                known = sorted([*self._verbs, *self._people.verbs])
                raise ActRefused(f"unknown verb {verb!r}; there are {known}")
            return self._verbs[verb](self.account(action), action)
        except Problem as problem:
            about = f" ({problem.thing or ''}.{problem.field or ''})"
            raise ActRefused(f"{problem.errno} {problem.message}{about}") from problem
        except KeyError as error:
            raise ActRefused(f"{verb} needs {error}") from error

    def account(self, action: Action) -> Account:
        """The account an action is about."""
        account = self._world.book.accounts.get(action["account_id"])
        if account is None:
            raise ActRefused(f"there is no account {action['account_id']!r}")
        return account

    # Clients and invoices

    def _create_client(self, account: Account, action: Action) -> dict[str, Any]:
        return self._shown(self.clients, account, self.clients.create(account, action["client"]))

    def _edit_client(self, account: Account, action: Action) -> dict[str, Any]:
        return self._edited(self.clients, account, action["id"], action["client"])

    def _create_invoice(self, account: Account, action: Action) -> dict[str, Any]:
        today = self._today()
        invoice = self.invoices.create(account, {"create_date": today, **action["invoice"]})
        if action.get("send", False):
            self.invoices.update(account, invoice, {"action_mark_as_sent": True})
        return self._shown(self.invoices, account, invoice)

    def _edit_invoice(self, account: Account, action: Action) -> dict[str, Any]:
        return self._edited(self.invoices, account, action["id"], action["invoice"])

    def _send_invoice(self, account: Account, action: Action) -> dict[str, Any]:
        by_email = bool(action.get("email", False))
        change = {"action_email": True} if by_email else {"action_mark_as_sent": True}
        return self._edited(self.invoices, account, action["id"], change)

    def _view_invoice(self, account: Account, action: Action) -> dict[str, Any]:
        invoice = self._row(self.invoices, account, action["id"])
        self.invoices.mark_viewed(account, invoice)
        return self._shown(self.invoices, account, invoice)

    # Payments and credit

    def _record_payment(self, account: Account, action: Action) -> dict[str, Any]:
        data = {
            "invoiceid": action["invoiceid"],
            "amount": {"amount": action["amount"]},
            "date": action.get("date", self._today()),
            "type": action.get("type", "Check"),
            "note": action.get("note", ""),
        }
        return self._shown(self.payments, account, self.payments.create(account, data))

    def _record_gateway_payment(self, account: Account, action: Action) -> dict[str, Any]:
        invoice = self._row(self.invoices, account, action["invoiceid"])
        amount = money({"amount": action["amount"]}, invoice.currency)
        given = {
            "date": eastern_day(self._world.now()),
            "type": action.get("type", "VISA"),
            "gateway": action.get("gateway", "Stripe"),
        }
        payment = self.payments.add(account, invoice, amount, given)
        return self._shown(self.payments, account, payment)

    def _edit_payment(self, account: Account, action: Action) -> dict[str, Any]:
        change = dict(action["payment"])
        if isinstance(change.get("amount"), str):
            change["amount"] = {"amount": change["amount"]}
        return self._edited(self.payments, account, action["id"], change)

    def _give_credit(self, account: Account, action: Action) -> dict[str, Any]:
        client = self._row(self.clients, account, action["clientid"])
        credit = add_credit_note(
            self._world,
            account,
            client_id=client.id,
            kind=action.get("type", "goodwill"),
            amount=self._positive(action["amount"]),
            currency=action.get("currency", client.fields["currency_code"]),
        )
        return self._shown(self.credit_notes, account, credit)

    def _apply_credit(self, account: Account, action: Action) -> dict[str, Any]:
        credit = self._row(self.credit_notes, account, action["creditid"])
        invoice = self._row(self.invoices, account, action["invoiceid"])
        amount = self._positive(action["amount"])
        if credit.client_id != invoice.client_id or credit.currency != invoice.currency:
            raise ActRefused("the credit is another client's or in another currency")
        if amount > min(credit.amount - credit.used, invoice.outstanding):
            raise ActRefused("that is more than the credit or the invoice has left")
        given = {
            "date": eastern_day(self._world.now()),
            "type": "Credit",
            "creditid": credit.id,
        }
        payment = self.payments.add(account, invoice, amount, given)
        credit.used += amount
        return self._shown(self.payments, account, payment)

    # Account settings

    def _create_tax(self, account: Account, action: Action) -> dict[str, Any]:
        number = self._world.next_id(account, "tax")
        tax = Tax(
            id=number,
            name=str(action["name"]),
            percent=percent(action["amount"]),
            number=action.get("number"),
            compound=bool(action.get("compound", False)),
            updated_at=self._world.now(),
        )
        account.taxes[tax.id] = tax
        raise_event(self._world, account, "tax.create", tax.id)
        return self._shown(self.taxes, account, tax)

    def _connect_gateway(self, account: Account, action: Action) -> dict[str, Any]:
        connection = stripe_connection(action["stripe_account_id"], action.get("country", "US"))
        account.stripe_gateway = connection
        return {"stripe_unified": connection}

    def _disconnect_gateway(self, account: Account, _action: Action) -> dict[str, Any]:
        account.stripe_gateway = None
        return {"stripe_unified": None}

    def _set_payment_options(self, account: Account, action: Action) -> dict[str, Any]:
        invoice = self._row(self.invoices, account, action["invoiceid"])
        set_payment_options(invoice, dict(action["payment_options"]))
        return {"id": invoice.id, "payment_options": invoice.payment_options}

    def _stop_callbacks(self, account: Account, _action: Action) -> dict[str, Any]:
        account.callbacks_stopped = True
        return {"callbacks_stopped": True}

    def _resume_callbacks(self, account: Account, _action: Action) -> dict[str, Any]:
        account.callbacks_stopped = False
        return {"callbacks_stopped": False}

    # Shared

    def _with_state(self, resource: Resource[Any], state: int) -> Verb:
        def change(account: Account, action: Action) -> dict[str, Any]:
            return self._edited(resource, account, action["id"], {"vis_state": state})

        return change

    def _edited(
        self, resource: Resource[Any], account: Account, number: Any, change: Action
    ) -> dict[str, Any]:
        row = self._row(resource, account, number)
        resource.update(account, row, change)
        return self._shown(resource, account, row)

    def _row(self, resource: Resource[Any], account: Account, number: Any) -> Any:
        text = str(number)
        known = text.isascii() and text.isdigit() and len(text) < 19
        row = resource.rows(account).get(int(text)) if known else None
        if row is None:
            raise ActRefused(f"there is no {resource.thing} {number!r}")
        return row

    def _shown(self, resource: Resource[Any], account: Account, row: Any) -> dict[str, Any]:
        return {"id": row.id, resource.thing: resource.render(account, row, ("lines",))}

    def _today(self) -> str:
        return eastern_day(self._world.now()).isoformat()

    def _positive(self, value: Any) -> Decimal:
        amount = read_decimal(value)
        if amount is None or amount <= 0:
            raise ActRefused(f"not an amount: {value!r}")
        return amount
