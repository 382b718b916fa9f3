"""Gives objects the shape they have in answers, with the fields that were asked to be expanded."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.stripe.book import Account, public
from sandbox.stripe.errors import InvalidParametersError
from sandbox.stripe.spec import expandable_fields
from sandbox.stripe.types import Obj

MAX_LEVELS = 4
FIRST_PAGE = 10
# Branches of what is to be expanded: field name -> what to expand inside.
Tree = dict[str, "Tree"]


def render(account: Account, obj: Obj) -> Obj:
    """Give an object as it is answered when nothing is expanded."""
    if obj.get("deleted"):
        return public(obj)
    shown = public(obj)
    if obj["object"] == "event":
        shown["data"] = json.loads(obj["_data"])
    if obj["object"] in ("invoice", "credit_note"):
        lines = account.lines.get(obj["id"], [])
        url = f"/v1/{obj['object']}s/{obj['id']}/lines"
        first = [render(account, line) for line in lines[:FIRST_PAGE]]
        shown["lines"] = {**sublist(first, url), **counted(len(lines))}
    return shown


def counted(total: int) -> Obj:
    """Give the counting fields of a list of which only the first page is there."""
    return {"has_more": total > FIRST_PAGE, "total_count": total}


def sublist(rows: list[Obj], url: str) -> Obj:
    """Give a list that sits inside an object: its first page."""
    return {
        "object": "list",
        "data": rows[:FIRST_PAGE],
        "has_more": len(rows) > FIRST_PAGE,
        "total_count": len(rows),
        "url": url,
    }


def expanded(account: Account, shown: Obj, paths: list[str]) -> Obj:
    """Replace ids by objects along the given dotted paths. Raises InvalidParametersError."""
    tree: Tree = {}
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_LEVELS:
            raise InvalidParametersError(
                f"You cannot expand more than {MAX_LEVELS} levels of a property. Property: {path}",
                param="expand",
            )
        branch = tree
        for step in steps:
            branch = branch.setdefault(step, {})
    Expansion(account).walk(shown, shown.get("object", ""), "", tree)
    return shown


class Expansion:
    """One walk along the fields to be expanded."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def walk(self, node: Obj, kind: str, prefix: str, tree: Tree) -> None:
        """Expand inside one object; `prefix` is where we are inside a resource."""
        for name, inner in tree.items():
            include = INCLUDED.get((kind, name)) if not prefix else None
            if include is not None and not isinstance(node.get(name), dict):
                node[name] = include(self.account, node)
            path = f"{prefix}.{name}" if prefix else name
            if not self.can_go(node, kind, name, path):
                message = f"This property cannot be expanded ({path})."
                raise InvalidParametersError(message, param="expand")
            node[name] = self.filled(node.get(name), kind, path, inner)

    def can_go(self, node: Obj, kind: str, name: str, path: str) -> bool:
        """Whether the field is expandable, included on request, or contains such fields."""
        if (kind, name) in INCLUDED or path in expandable_fields(kind):
            return True
        value = node.get(name)
        return isinstance(value, dict) or (isinstance(value, list) and name == "data")

    def filled(self, value: Any, kind: str, path: str, inner: Tree) -> Any:
        """Give the value of a field after expansion."""
        if isinstance(value, list):
            return [self.filled(item, kind, path, inner) for item in value]
        if isinstance(value, str) and path in expandable_fields(kind):
            found = self.account.by_id.get(value)
            value = value if found is None else render(self.account, found)
        if isinstance(value, dict) and inner:
            if "object" in value and isinstance(value["object"], str):
                self.walk(value, value["object"], "", inner)
            else:
                self.walk(value, kind, path, inner)
        return value


def invoice_payments(account: Account, invoice: Obj) -> Obj:
    """Give `payments` of an invoice, newest first."""
    rows = [render(account, payment) for payment in account.payments_of.get(invoice["id"], [])]
    return sublist(rows[::-1], f"/v1/invoice_payments?invoice={invoice['id']}")


def charge_refunds(account: Account, charge: Obj) -> Obj:
    """Give `refunds` of a charge, newest first."""
    rows = [r for r in account.table("refund").values() if r["charge"] == charge["id"]]
    url = f"/v1/charges/{charge['id']}/refunds"
    return sublist([render(account, refund) for refund in reversed(rows)], url)


def customer_tax_ids(account: Account, customer: Obj) -> Obj:
    """Give `tax_ids` of a customer."""
    rows = [t for t in account.table("tax_id").values() if t["customer"] == customer["id"]]
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return sublist([render(account, tax_id) for tax_id in reversed(rows)], url)


def note(name: str) -> Callable[[Account, Obj], Any]:
    """Give a field that is kept as a note and shown only when asked for."""

    def show(account: Account, obj: Obj) -> Any:
        return account.by_id[obj["id"]].get(f"_{name}")

    return show


# Fields that are absent unless expanded, although they hold no id.
INCLUDED: dict[tuple[str, str], Callable[[Account, Obj], Any]] = {
    ("invoice", "payments"): invoice_payments,
    ("invoice", "amount_paid_off_stripe"): note("amount_paid_off_stripe"),
    ("invoice", "confirmation_secret"): note("confirmation_secret"),
    ("charge", "refunds"): charge_refunds,
    ("customer", "tax_ids"): customer_tax_ids,
}
