"""Invoice lines: checking what is written, showing what is kept."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.freshbooks.book import Invoice, Line, LineTax
from sandbox.freshbooks.fields import (
    LONG_LIMIT,
    Check,
    boolean,
    clean,
    integer,
    money,
    number,
    percent,
    text,
)
from sandbox.freshbooks.money import ZERO, plain
from sandbox.freshbooks.problems import DUPLICATE_TAX, INVALID, Problem
from sandbox.freshbooks.times import eastern_text
from sandbox.freshbooks.world import World

_SHOWN_ONLY = frozenset(
    {"amount", "basecampid", "date", "expenseid", "invoiceid", "lineid", "modern_project_id"}
    | {"modern_time_entries", "retainer_id", "retainer_period_id", "taskno", "updated"}
)
_CHECKS: dict[str, Check] = {
    "type": integer,
    "name": text(),
    "description": text(LONG_LIMIT),
    "qty": number,
    "taxName1": text(empty=None),
    "taxName2": text(empty=None),
    "taxAmount1": percent,
    "taxAmount2": percent,
    "taxNumber1": text(empty=None),
    "taxNumber2": text(empty=None),
    "compounded_tax": boolean,
}


def read_lines(world: World, value: Any, currency: str) -> list[Line]:
    """The lines of a body; they replace all former ones."""
    if not isinstance(value, list) or not all(isinstance(line, Mapping) for line in value):
        raise Problem(INVALID, "Lines must be a list.", field="lines", thing="invoice")
    return [_read_line(world, line, currency) for line in value]


def _read_line(world: World, data: Mapping[str, Any], currency: str) -> Line:
    checks = {**_CHECKS, "unit_cost": lambda value: money(value, currency)}
    # A whole line read from the API may be written back: what is only shown is not looked at.
    rest = {name: value for name, value in data.items() if name not in _SHOWN_ONLY}
    given = clean(rest, checks, thing="line", switches=world.switches)
    quantity: Decimal = given.get("qty", Decimal(1))
    unit_cost: Decimal = given.get("unit_cost", ZERO)
    tax1, tax2 = _read_tax(given, "1"), _read_tax(given, "2")
    if tax1 and tax2 and tax1.name == tax2.name:
        raise Problem(
            DUPLICATE_TAX, "Tax is used twice.", field="taxName2", thing="line", value=tax2.name
        )
    return Line(
        kind=given.get("type", 0),
        name=given.get("name", ""),
        description=given.get("description", ""),
        quantity=quantity,
        unit_cost=unit_cost,
        amount=world.money.round(quantity * unit_cost, currency),
        tax1=tax1,
        tax2=tax2,
        compounded=given.get("compounded_tax", False),
        updated_at=world.now(),
    )


def _read_tax(given: Mapping[str, Any], which: str) -> LineTax | None:
    name = given.get(f"taxName{which}")
    if not name:
        return None
    return LineTax(name, given.get(f"taxAmount{which}", ZERO), given.get(f"taxNumber{which}"))


def render_lines(world: World, invoice: Invoice) -> list[dict[str, Any]]:
    """The lines as the include shows them; `lineid` is only an ordinal."""
    return [
        _render_line(world, invoice, line, ordinal)
        for ordinal, line in enumerate(invoice.lines, start=1)
    ]


def _render_line(world: World, invoice: Invoice, line: Line, ordinal: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "lineid": ordinal,
        "invoiceid": invoice.id,
        "type": line.kind,
        "name": line.name,
        "description": line.description,
        "qty": plain(line.quantity),
        "unit_cost": world.money.json(line.unit_cost, invoice.currency),
        "amount": world.money.json(line.amount, invoice.currency),
        "compounded_tax": line.compounded,
        "basecampid": 0,
        "date": None,
        "expenseid": 0,
        "modern_project_id": None,
        "modern_time_entries": [],
        "retainer_id": None,
        "retainer_period_id": None,
        "taskno": ordinal,
        "updated": eastern_text(line.updated_at),
    }
    for which, tax in (("1", line.tax1), ("2", line.tax2)):
        shown[f"taxName{which}"] = tax.name if tax else None
        shown[f"taxAmount{which}"] = plain(tax.percent) if tax else "0"
        shown[f"taxNumber{which}"] = tax.number if tax else None
    return shown
