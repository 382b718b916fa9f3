"""Calls to the vendors: whose credential, how many, and how tokens are refreshed (I09, I13, I14)."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator

from chaos.invariants.evidence import Evidence, Request
from chaos.invariants.verdict import Verdict, judge, not_checked
from sandbox.core.recording import digest

_ACCOUNT = re.compile(r"/account/(\w+)/")
_STRIPE_ID = re.compile(r"\b(?:in|cus|pi|ch|re|dp|inpay|pr|cn)_\w+")
WINDOW_S = 1.0
MOST_REFUSED = 0.005
BY_THE_CLOCK = ("/auth/oauth/", "/events/callbacks", "/webhook_endpoints")
"""Tokens and webhooks are looked after whether there is business or not."""
MORE_CALLS, CALLS_PER_FAULT = 1.2, 3


def own_credentials(evidence: Evidence) -> Verdict:
    """I09: the credential of each request, against the account that its path and body name."""
    keys, tokens, owner = _stripe_keys(evidence), _freshbooks_tokens(evidence), _owners(evidence)
    looked, problems = 0, []
    for one in evidence.requests:
        if not one.credential:
            continue
        named = _ACCOUNT.search(one.path)
        if one.vendor == "freshbooks" and named and one.credential in tokens:
            looked += 1
            if named[1] not in tokens[one.credential]:
                problems.append(f"{one.method} {one.path} with a token of another business")
        elif one.vendor == "stripe" and one.credential in keys:
            for object_id in _STRIPE_ID.findall(f"{one.path} {one.body}"):
                looked += 1
                if owner.get(object_id, keys[one.credential]) != keys[one.credential]:
                    problems.append(f"{one.method} {one.path} with a key of another account")
    return judge("I09", looked, problems)


def tokens_used_once(evidence: Evidence, *, lost: int = 0, frozen: int = 0) -> Verdict:
    """I13: per refresh token, nothing after the first success that was answered.

    `lost`: how many grants were told to be lost. A worker that dies between the answer and saving it
    leaves a token that worked and is not known to have: it is tried once more, and then told.
    `frozen`: how many processes stood still past their lease with a refresh under way. No check of
    ours comes after a request has left, and FreshBooks knows no leases: the same token is sent by
    the process that took over and by the one that wakes up. The second is refused, and nothing more
    may come of it: who is refused takes the newer pair.
    """
    refreshes = [
        one
        for one in evidence.requests
        if one.vendor == "freshbooks"
        and isinstance(one.body, dict)
        and one.body.get("grant_type") == "refresh_token"
    ]
    if not refreshes:
        return not_checked("I13", "no token was refreshed")
    spent: dict[str, float] = {}
    again: dict[str, str] = {}
    for one in refreshes:
        token = str(one.body["refresh_token"])
        if token in spent:
            again[token] = f"a token was used again {one.at - spent[token]:.1f} s after it worked"
        elif one.status == 200:
            spent[token] = one.at
    problems = again.values() if len(again) > lost + frozen else ()
    excuses = [
        f"{lost} grants were lost with a killed worker, told, and connected again" if lost else "",
        f"{frozen} processes stood still past their lease while they refreshed" if frozen else "",
    ]
    how = "; ".join(filter(None, excuses))
    return judge("I13", len(refreshes), problems, how=how)


def within_limits(evidence: Evidence, limits: dict[str, int], *, injected: int = 0) -> Verdict:
    """I14: the busiest second of each vendor account, and 429s beyond those that were injected."""
    looked, problems, busiest = 0, [], {"freshbooks": 0, "stripe": 0}
    for (vendor, account), times in _calls_by_account(evidence).items():
        looked += len(times)
        most = _busiest_window(times)
        busiest[vendor] = max(busiest[vendor], most)
        if most > limits[vendor]:
            problems.append(f"{account}: {most} calls in one second, {limits[vendor]} allowed")
    refused = sum(one.status == 429 for one in evidence.requests) - injected
    if refused > MOST_REFUSED * looked:
        problems.append(f"{refused} of {looked} calls were answered 429")
    told = ", ".join(f"{vendor} {most} of {limits[vendor]}" for vendor, most in busiest.items())
    return judge("I14", looked, problems, how=f"busiest second: {told}")


def few_writes(evidence: Evidence, *, faults: int) -> Verdict:
    """I16, for what changes something: reads come by the clock. The least is one request per write."""
    sent = sum(
        one.is_write and not any(part in one.path for part in BY_THE_CLOCK)
        for one in evidence.requests
    )
    least = len(evidence.tenant_rows("connector_vendorwrite", "id"))
    most = MORE_CALLS * least + CALLS_PER_FAULT * faults
    problems = [f"{sent} requests, {most:.0f} allowed"] if sent > most else []
    how = f"{sent} requests for {least} writes under {faults} faults that may cost some"
    return judge("I16", sent, problems, how=how)


def _calls_by_account(evidence: Evidence) -> dict[tuple[str, str], list[float]]:
    keys = _stripe_keys(evidence)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in evidence.requests:
        account = _account_of(one, keys)
        if account:
            found[one.vendor, account].append(one.at)
    return found


def _account_of(one: Request, keys: dict[str, str]) -> str:
    if one.vendor == "stripe":
        return keys.get(one.credential, "")
    named = _ACCOUNT.search(one.path)
    return named[1] if named and one.credential else ""


def _busiest_window(times: list[float]) -> int:
    window: deque[float] = deque()
    most = 0
    for at in sorted(times):
        window.append(at)
        while window[0] <= at - WINDOW_S:
            window.popleft()
        most = max(most, len(window))
    return most


def _stripe_keys(evidence: Evidence) -> dict[str, str]:
    return {
        digest(key["secret"]): book["id"]
        for book in evidence.stripe["accounts"]
        for key in book["keys"]
    }


def _freshbooks_tokens(evidence: Evidence) -> dict[str, set[str]]:
    """The accounts that each access token opens."""
    business = {row["id"]: row["account_id"] for row in evidence.freshbooks["businesses"]}
    opens = {
        row["id"]: {business[one["business_id"]] for one in row["memberships"]}
        for row in evidence.freshbooks["identities"]
    }
    return {
        digest(token["access"]): opens[token["identity_id"]]
        for token in evidence.freshbooks["tokens"]
    }


def _owners(evidence: Evidence) -> dict[str, str]:
    """Stripe object id -> account."""
    return dict(_owned(evidence))


def _owned(evidence: Evidence) -> Iterator[tuple[str, str]]:
    for book in evidence.stripe["accounts"]:
        for rows in book.values():
            if isinstance(rows, list):
                for row in rows:
                    if isinstance(row, dict) and isinstance(row.get("id"), str):
                        yield row["id"], book["id"]
