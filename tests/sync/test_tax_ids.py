"""A tax number that changes in FreshBooks after its customer was made, and those of other people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.errors import VendorRefused
from connector.jobs import kinds
from connector.models import ClientLink, VendorWrite
from tenants.scope import tenant_scope
from tests.pipeline.interference import KillAt, interfering, recover, run_killed
from tests.pipeline.shop import Shop
from tests.sandbox.driving import HTTP

FIRST, SECOND = "DE123456789", "FR12345678901"
TAX_IDS = r"/tax_ids"


def german(shop: Shop, number: str = FIRST) -> int:
    client = shop.client(p_country="Germany", vat_number=number)
    shop.run(kinds.SYNC_CLIENT, client)
    return client


def link_of(shop: Shop, client: int) -> ClientLink:
    with tenant_scope(shop.tenant.pk):
        link: ClientLink = ClientLink.objects.get(freshbooks_client_id=client)
        return link


def change(shop: Shop, client: int, number: str) -> ClientLink:
    """The number changes in FreshBooks, and the client is synchronized."""
    shop.fb("edit_client", id=client, client={"vat_number": number})
    shop.enqueue(kinds.SYNC_CLIENT, client)
    shop.settle()
    return link_of(shop, client)


def numbers(shop: Shop) -> list[str]:
    """Tax ids in Stripe, oldest first."""
    return [row["value"] for row in shop.st_book().get("tax_ids", [])]


def calls(shop: Shop) -> dict[str, int]:
    """How often tax ids were read, added and deleted."""
    rows = shop.stripe.calls()["calls"]
    return {row["method"]: row["count"] for row in rows if "tax_ids" in row["route"]}


def by_hand(shop: Shop, customer: str, number: str) -> None:
    """Somebody adds a number to the customer in Stripe."""
    account = shop.st_book()
    answer = HTTP.post(
        f"{shop.stripe.url}/v1/customers/{customer}/tax_ids",
        data={"type": "eu_vat", "value": number},
        headers={"Authorization": f"Bearer {account['keys'][0]['secret']}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def test_a_number_that_comes_with_the_client_needs_no_further_call(shop: Shop) -> None:
    client = german(shop)
    shop.run(kinds.SYNC_CLIENT, client)
    assert numbers(shop) == [FIRST]
    assert calls(shop) == {}
    assert link_of(shop, client).tax_id["state"] == "ours"


def test_a_changed_number_replaces_the_one_we_gave(shop: Shop) -> None:
    client = german(shop)
    link = change(shop, client, SECOND)
    assert numbers(shop) == [SECOND]
    assert (link.tax_id["value"], link.notes) == (SECOND, [])
    change(shop, client, "BE0123456789")
    assert numbers(shop) == ["BE0123456789"]
    change(shop, client, FIRST)
    assert numbers(shop) == [FIRST], "back to the first is a change as well"


def test_a_removed_number_is_taken_away_and_may_come_again(shop: Shop) -> None:
    client = german(shop)
    assert change(shop, client, "").tax_id == {}
    assert numbers(shop) == []
    change(shop, client, FIRST)
    assert numbers(shop) == [FIRST]


def test_a_number_that_comes_later_is_added(shop: Shop) -> None:
    client = german(shop, "")
    change(shop, client, FIRST)
    assert numbers(shop) == [FIRST]
    assert shop.audited(f"client:{client}").count("stripe.tax_ids.create.confirmed") == 1


def test_a_second_look_at_a_changed_number_calls_nothing(shop: Shop) -> None:
    client = german(shop)
    change(shop, client, SECOND)
    before = calls(shop)
    shop.run(kinds.SYNC_CLIENT, client)
    assert calls(shop) == before


def test_what_people_added_in_stripe_is_never_touched(shop: Shop) -> None:
    client = german(shop)
    customer = link_of(shop, client).stripe_customer_id
    by_hand(shop, customer, "ATU12345678")
    change(shop, client, SECOND)
    assert numbers(shop) == ["ATU12345678", SECOND]
    change(shop, client, "ATU12345678")
    assert numbers(shop) == ["ATU12345678"], "it is there already"
    change(shop, client, "")
    assert numbers(shop) == ["ATU12345678"], "and stays, because it is not ours"


def test_a_number_of_ours_that_a_person_made_again_is_that_persons(shop: Shop) -> None:
    client = german(shop)
    customer = link_of(shop, client).stripe_customer_id
    (ours,) = shop.st_book()["tax_ids"]
    key = shop.st_book()["keys"][0]["secret"]
    HTTP.delete(
        f"{shop.stripe.url}/v1/customers/{customer}/tax_ids/{ours['id']}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    shop.stripe.advance(3600)
    by_hand(shop, customer, FIRST)
    change(shop, client, SECOND)
    assert numbers(shop) == [FIRST, SECOND]


def test_a_number_of_uncertain_type_is_said_and_the_old_one_goes(shop: Shop) -> None:
    client = german(shop)
    link = change(shop, client, "12 345")
    assert numbers(shop) == []
    assert link.notes == ["Tax number '12 345' was left out: its type is not certain."]


def test_a_refused_number_is_said_and_holds_up_no_invoice(shop: Shop) -> None:
    client = german(shop)

    def refuse(name: str, call: Callable[[], Any]) -> Any:
        if name == "create_tax_id":
            raise VendorRefused("Invalid value for eu_vat.", vendor="stripe", code="tax_id_invalid")
        return call()

    with interfering(shop, refuse):
        link = change(shop, client, SECOND)
    assert numbers(shop) == []
    assert link.state == "linked"
    assert link.notes == ["Stripe did not accept the tax number: Invalid value for eu_vat."]
    shop.fb("edit_client", id=client, client={"organization": "Haddad & Sons"})
    shop.run(kinds.SYNC_CLIENT, client)
    assert link_of(shop, client).notes == link.notes, "not asked again, and not forgotten"
    assert shop.sync(shop.invoice(client=client)).state == "open"


@pytest.mark.parametrize("fault", ["reset_after", "status_500", "status_429"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_lost_answer_doubles_nothing(shop: Shop, fault: str, method: str) -> None:
    client = german(shop)
    shop.stripe.fault(fault, {"method": method, "path_regex": TAX_IDS})
    change(shop, client, SECOND)
    assert numbers(shop) == [SECOND]
    assert link_of(shop, client).tax_id["state"] == "ours"
    unknown = shop.writes(state__in=[VendorWrite.State.UNKNOWN, VendorWrite.State.SENDING])
    assert unknown == []


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 7))
def test_a_process_killed_at_any_call_ends_with_one_number(
    shop: Shop, number: int, before: bool
) -> None:
    client = german(shop)
    shop.fb("edit_client", id=client, client={"vat_number": SECOND})
    shop.enqueue(kinds.SYNC_CLIENT, client)
    with interfering(shop, KillAt(number, before=before)):
        run_killed(shop)
    recover()
    shop.settle()
    assert numbers(shop) == [SECOND]
    memory = link_of(shop, client).tax_id
    assert (memory["value"], memory["state"]) == (SECOND, "ours")
