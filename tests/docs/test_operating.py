"""docs/operating.md explains every state and kind that a person can meet."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest
from django.core.management import get_commands, load_command_class
from django.db.models import TextChoices

from connector.connecting.oauth import SCOPES
from connector.errors import FailureMode
from connector.jobs import retry
from connector.jobs.kinds import KINDS
from connector.mapping.compare import CollectionStatus, DiscrepancyKind
from connector.models import (
    ClientLink,
    CollectedPayment,
    Delivery,
    Discrepancy,
    InvoiceLink,
    MoneyFact,
    OutsidePayment,
    SyncJob,
    VendorWrite,
)
from connector.vendors.stripe.account_calls import READ_PROBES, WRITE_PROBES
from tenants.models import ConnectionState, Tenant
from tests.docs.reading import first_words, rows, section, text_of

PAGE = "operating.md"
OURS = {"connector", "tenants", "audit"}


def _table(title: str, with_first: str) -> list[list[str]]:
    """The rows of the table in a section whose first cells include a word."""
    text = section(PAGE, title)
    for block in re.split(r"\n\s*\n", text):
        if with_first in first_words(block):
            return rows(block)
    raise AssertionError(f"no table with {with_first!r} under {title!r}")


@pytest.mark.parametrize(
    ("title", "choices"),
    [
        ("Adding a tenant", Tenant.State),
        ("Adding a tenant", ConnectionState),
        ("Jobs", SyncJob.State),
        ("Payments", CollectedPayment.Recording),
        ("Payments", OutsidePayment.Reporting),
        ("Journal, balance and payouts", MoneyFact.Kind),
        ("Invoices and clients", InvoiceLink.State),
        ("Invoices and clients", ClientLink.State),
        ("Deliveries and writes", Delivery.State),
        ("Deliveries and writes", VendorWrite.State),
    ],
)
def test_every_state_is_there_with_the_words_of_the_admin(
    title: str, choices: type[TextChoices]
) -> None:
    wanted = {member.value: str(member.label) for member in choices}
    first = next(value for value in wanted if value not in _ambiguous(title, choices))
    shown = {cells[0].strip("`"): cells[1] for cells in _table(title, first)}
    assert shown == wanted


def _ambiguous(title: str, choices: type[TextChoices]) -> set[str]:
    """Values that stand in more than one table of the section."""
    words = first_words(section(PAGE, title))
    return {member.value for member in choices if words.count(member.value) > 1}


@pytest.mark.parametrize(
    ("title", "members"),
    [
        ("Jobs", FailureMode),
        ("Discrepancies", DiscrepancyKind),
        ("Payments", CollectionStatus),
    ],
)
def test_every_kind_is_there(title: str, members: type[StrEnum]) -> None:
    wanted = {str(member) for member in members}
    last = next(word for word in reversed(list(members)))
    named = {
        word for cells in _table(title, str(last)) for word in re.findall(r"`(\w+)`", cells[0])
    }
    assert named == wanted


def test_every_kind_of_job_is_there() -> None:
    table = _table("Jobs", "route_delivery")
    assert {word for cells in table for word in re.findall(r"`(\w+)`", cells[0])} == set(KINDS)


def test_every_severity_is_there() -> None:
    text = section(PAGE, "Discrepancies").replace("\n", " ")
    for severity in Discrepancy.Severity:
        assert f"`{severity.value}` {severity.label}" in text


def test_the_scopes_are_the_ones_that_are_asked_for() -> None:
    assert set(re.findall(r"`(user:[a-z_:]+)`", text_of("docs", PAGE))) == set(SCOPES)


def test_every_command_that_is_named_exists() -> None:
    """And each of the product's own says so with --json, as the page promises."""
    named = {cells[0].strip("`").split()[0] for cells in rows(section(PAGE, "Commands"))}
    for page in ("operating.md", "settings.md", "sandbox.md"):
        named |= set(re.findall(r"manage\.py ([a-z_]+)", text_of("docs", page)))
    owners = get_commands()
    assert named - set(owners) == set()
    for name in named:
        if owners[name] in OURS:
            options = load_command_class(owners[name], name).create_parser("manage.py", name)
            assert "--json" in options.format_help()


def test_every_command_of_ours_is_listed() -> None:
    listed = {cells[0].strip("`").split()[0] for cells in rows(section(PAGE, "Commands"))}
    ours = {name for name, owner in get_commands().items() if owner in OURS}
    assert ours - listed == set()


def test_what_a_restricted_key_needs_is_what_is_probed() -> None:
    text = section(PAGE, "Adding a tenant").replace("\n", " ")
    told = re.search(r"to read: (.*?); to write [^:]*: (.*?)\.", text)
    assert told is not None
    read, write = (set(part.split(", ")) for part in told.groups())
    probed = {area.partition(":")[0] for area, *_ in READ_PROBES}
    assert write == {area.partition(":")[0] for area, _ in WRITE_PROBES}
    assert read | write == probed | write | {"Accounts"}


def test_the_two_days_of_retries_are_what_the_table_of_retries_adds_up_to() -> None:
    policy = retry.POLICIES[FailureMode.TRANSIENT]
    tries = policy.max_attempts
    gaps = [min(policy.longest_gap_s, policy.first_gap_s * 2**n) for n in range(tries - 1)]
    assert f"`transient` | {tries} times;" in text_of("docs", "operating.md")
    assert 46 < sum(gaps) / 3600 < 50
