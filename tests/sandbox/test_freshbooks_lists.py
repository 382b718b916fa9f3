"""Lists: pages, caps, order, day filters, and rows that shift while paging."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.sandbox.driving import CLIENTS, CREDIT_NOTES, INVOICES, PAYMENTS, TAXES, Account

RESOURCES = [
    (CLIENTS, "clients"),
    (INVOICES, "invoices"),
    (PAYMENTS, "payments"),
    (CREDIT_NOTES, "credit_notes"),
    (TAXES, "taxes"),
]


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _ids(account: Account, query: str, path: str = INVOICES) -> list[int]:
    plural = dict(RESOURCES)[path]
    return [row["id"] for row in account.result("GET", f"{path}?{query}")[plural]]


@pytest.mark.parametrize(("path", "plural"), RESOURCES)
def test_empty_list(account: Account, path: str, plural: str) -> None:
    expected = {plural: [], "page": 1, "pages": 0, "per_page": 15, "total": 0}
    assert account.result("GET", path) == expected


def test_newest_first_fifteen_at_a_time(account: Account) -> None:
    made = [account.client()["id"] for _ in range(17)]
    first = account.result("GET", CLIENTS)
    assert [row["id"] for row in first["clients"]] == made[::-1][:15]
    assert (first["page"], first["pages"], first["per_page"], first["total"]) == (1, 2, 15, 17)
    second = account.result("GET", CLIENTS + "?page=2")
    assert [row["id"] for row in second["clients"]] == made[::-1][15:]
    beyond = account.result("GET", CLIENTS + "?page=3")
    assert (beyond["clients"], beyond["total"]) == ([], 17)
    account.freshbooks.switch(default_per_page="30")
    assert account.result("GET", CLIENTS)["per_page"] == 30


def test_per_page_is_capped_at_a_hundred_without_a_word(account: Account) -> None:
    for _ in range(103):
        account.freshbooks.act("create_client", account_id=account.id, client={"email": "a@b.ex"})
    page = account.result("GET", CLIENTS + "?per_page=2000")
    assert (len(page["clients"]), page["per_page"], page["pages"]) == (100, 100, 2)
    rest = account.result("GET", CLIENTS + "?per_page=2000&page=2")["clients"]
    assert len(rest) == 3
    assert not {row["id"] for row in rest} & {row["id"] for row in page["clients"]}


@pytest.mark.parametrize(
    ("query", "errno"),
    [
        ("per_page=0", 1013),
        ("per_page=many", 1013),
        ("per_page=-5", 1013),
        ("page=-1", 1014),
        ("page=x", 1014),
        ("page=0", 1014),
        ("search[vis_state]=7", 1023),
        ("search[updated_min]=yesterday", 1033),
        ("search[date_min]=2026-02-30", 1033),
    ],
)
def test_bad_values(account: Account, query: str, errno: int) -> None:
    assert account.errno("GET", f"{INVOICES}?{query}") == (422, errno)


def test_page_zero_is_a_switch(account: Account) -> None:
    account.freshbooks.switch(page_zero="first_page")
    assert account.result("GET", CLIENTS + "?page=0")["page"] == 1


def test_rows_shift_between_pages(account: Account) -> None:
    made = [account.client()["id"] for _ in range(4)]
    first = _ids(account, "per_page=2", CLIENTS)
    account.client()
    second = _ids(account, "per_page=2&page=2", CLIENTS)
    assert (first, second) == ([made[3], made[2]], [made[2], made[1]])


def test_total_may_count_unreadable_rows(account: Account) -> None:
    account.client()
    hidden = account.client()["id"]
    account.result("PUT", f"{CLIENTS}/{hidden}", {"client": {"vis_state": 1}})
    assert account.result("GET", CLIENTS)["total"] == 1
    account.freshbooks.switch(total_counts="all_rows")
    page = account.result("GET", CLIENTS)
    assert (page["total"], len(page["clients"])) == (2, 1)


@pytest.mark.parametrize("path", [CLIENTS, INVOICES, PAYMENTS])
def test_updated_filter_works_on_all_three(account: Account, path: str) -> None:
    account.freshbooks.set_clock(_epoch("2026-04-24T12:00:00"))
    account.payment(account.invoice()["id"], "1.00")
    assert len(_ids(account, "search[updated_min]=2026-04-24", path)) == 1
    assert len(_ids(account, "search[updated_min]=2026-04-25", path)) == 0
    assert len(_ids(account, "search[updated_max]=2026-04-25", path)) == 1
    assert len(_ids(account, "search[updated_max]=2026-04-24", path)) == 0


def test_updated_filter_uses_the_eastern_day(account: Account) -> None:
    client = account.client()["id"]
    account.freshbooks.set_clock(_epoch("2026-07-02T03:59:50"))  # still 1 July in New York
    evening = account.invoice(client)["id"]
    account.freshbooks.set_clock(_epoch("2026-07-02T04:00:10"))
    night = account.invoice(client)["id"]
    query = "search[updated_min]=2026-07-02"
    assert _ids(account, query) == [night]
    assert _ids(account, "search[updated_max]=2026-07-02") == [evening]
    account.freshbooks.switch(updated_min_zone="utc")
    assert _ids(account, query) == [night, evening]


def test_eastern_follows_daylight_saving(account: Account) -> None:
    account.freshbooks.set_clock(_epoch("2026-11-01T05:30:00.2"))
    first = account.client()["updated"]
    account.freshbooks.set_clock(_epoch("2026-11-01T06:30:00.2"))
    assert first == account.client()["updated"] == "2026-11-01 01:30:00"


@pytest.mark.parametrize(("answer", "found"), [("ignored", 2), ("day_part", 1), ("refused", None)])
def test_datetime_in_updated_min_is_a_switch(
    account: Account, answer: str, found: int | None
) -> None:
    client = account.client()["id"]
    account.freshbooks.set_clock(_epoch("2026-04-23T12:00:00"))
    account.invoice(client)
    account.freshbooks.set_clock(_epoch("2026-04-24T12:00:00"))
    account.invoice(client)
    account.freshbooks.switch(updated_min_datetime=answer)
    query = "search[updated_min]=2026-04-24 23:00:00"
    if found is None:
        assert account.errno("GET", f"{INVOICES}?{query}") == (422, 1033)
    else:
        assert len(_ids(account, query)) == found


def test_updated_min_together_with_vis_state_is_a_switch(account: Account) -> None:
    client = account.client()["id"]
    account.freshbooks.set_clock(_epoch("2026-04-20T12:00:00"))
    old = account.invoice(client)["id"]
    account.result("PUT", f"{INVOICES}/{old}", {"invoice": {"vis_state": 1}})
    account.freshbooks.set_clock(_epoch("2026-04-24T12:00:00"))
    new = account.invoice(client)["id"]
    account.result("PUT", f"{INVOICES}/{new}", {"invoice": {"vis_state": 1}})
    query = "search[vis_state]=1&search[updated_min]=2026-04-24"
    assert _ids(account, query) == [new]
    account.freshbooks.switch(updated_min_with_vis_state="vis_state_only")
    assert _ids(account, query) == [new, old]


def test_taxes_are_reference_data(account: Account) -> None:
    made = account.freshbooks.act(
        "create_tax", account_id=account.id, name="GST", amount="5", number="RT0001"
    )
    tax = account.result("GET", f"{TAXES}/{made['id']}")["tax"]
    assert (tax["taxid"], tax["name"], tax["amount"], tax["compound"]) == (
        made["id"],
        "GST",
        "5",
        False,
    )
    assert _ids(account, "search[name]=gst", TAXES) == [made["id"]]
    assert account.call("POST", TAXES, {"tax": {}}).status_code == 404


def test_credit_note_uses_the_plural_for_one(account: Account) -> None:
    account.payment(account.invoice()["id"], "120.00")
    found = account.result("GET", CREDIT_NOTES)["credit_notes"][0]
    one = account.result("GET", f"{CREDIT_NOTES}/{found['creditid']}")
    assert list(one) == ["credit_notes"]
    assert isinstance(one["credit_notes"]["clientid"], str)
    query = f"search[clientid]={found['clientid']}"
    assert _ids(account, query, CREDIT_NOTES) == [found["id"]]
