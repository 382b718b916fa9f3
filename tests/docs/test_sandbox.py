"""docs/sandbox.md names everything that the simulators can do, and its script works."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.core.clock import Clock
from sandbox.core.control import PREFIX, Controls, add_control_routes
from sandbox.core.faults import REQUEST_FAULTS, WEBHOOK_FAULTS, FaultList
from sandbox.core.recording import Recorder
from sandbox.core.webhooks import WebhookSender
from sandbox.freshbooks.simulator import FreshBooksSimulator
from sandbox.freshbooks.switches import SWITCHES as FRESHBOOKS_SWITCHES
from sandbox.stripe.acts import ACTS
from sandbox.stripe.simulator import StripeSimulator
from sandbox.stripe.switches import SWITCHES as STRIPE_SWITCHES
from tests.docs.reading import ROOT, first_words, rows, section, text_of


def _controls(kind: type[FreshBooksSimulator | StripeSimulator]) -> Controls:
    clock, faults = Clock(), FaultList(random.Random(0))
    webhooks = WebhookSender(clock, faults)
    return Controls(
        kind(clock, webhooks, random.Random(0)), clock, faults, webhooks, Recorder(None)
    )


def test_every_freshbooks_verb_is_documented() -> None:
    acts = _controls(FreshBooksSimulator).vendor._acts  # type: ignore[attr-defined]
    known = {*acts._verbs, *acts._people.verbs}
    assert set(first_words(section("sandbox.md", "In FreshBooks"))) == known


def test_every_stripe_verb_is_documented() -> None:
    assert set(first_words(section("sandbox.md", "In Stripe"))) == set(ACTS)


@pytest.mark.parametrize(
    ("title", "switches"),
    [("Of FreshBooks", FRESHBOOKS_SWITCHES), ("Of Stripe", STRIPE_SWITCHES)],
)
def test_every_switch_and_its_answers_are_documented(
    title: str, switches: dict[str, tuple[str, ...]]
) -> None:
    documented = {
        cells[0].strip("`"): tuple(answer.strip("` ") for answer in cells[1].split(","))
        for cells in rows(section("sandbox.md", title))
    }
    assert documented == switches


def test_every_fault_is_documented() -> None:
    assert set(first_words(section("sandbox.md", "Faults"))) == REQUEST_FAULTS | WEBHOOK_FAULTS


def test_every_control_call_is_documented() -> None:
    app = web.Application()
    add_control_routes(app, _controls(StripeSimulator))
    known = {
        (route.method, route.resource.canonical.removeprefix(PREFIX))
        for route in app.router.routes()
        if route.resource and route.method != "HEAD"
    }
    documented = set()
    for cells in rows(section("sandbox.md", "Control API")):
        *methods, last = re.findall(r"[A-Za-z]+", cells[0])
        documented |= {(method, last) for method in methods}
    assert documented == known


@pytest.fixture
def addresses() -> Iterator[dict[str, str]]:
    """Simulators of its own: what this script sends is not what the product sends."""
    command = [sys.executable, "-m", "sandbox"]
    command += ["--freshbooks", "127.0.0.1:0", "--stripe", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


def test_the_script_with_the_official_libraries_works(
    addresses: dict[str, str], tmp_path: Path
) -> None:
    script = re.search(r"```python\n(.*?)```", text_of("docs", "sandbox.md"), re.DOTALL)
    assert script is not None
    code = script.group(1)
    for shown, vendor in (("9101", "freshbooks"), ("9102", "stripe")):
        code = code.replace(f"http://127.0.0.1:{shown}", addresses[vendor])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("paid 12500\n", 0), done.stderr
