"""`python -m sandbox`: serve the simulated vendors until told to stop."""

import argparse
import asyncio
import json
import random
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from sandbox.core.answers import AnswerBook, Contract
from sandbox.core.clock import Clock
from sandbox.core.control import Controls
from sandbox.core.faults import FaultList
from sandbox.core.recording import Recorder, WebhookRecorder
from sandbox.core.server import build_vendor_app
from sandbox.core.vendor import VendorSimulator
from sandbox.core.webhooks import WebhookSender
from sandbox.freshbooks.contract import FreshBooksContract
from sandbox.freshbooks.simulator import FreshBooksSimulator
from sandbox.freshbooks.world import App
from sandbox.stripe.contract import StripeContract
from sandbox.stripe.simulator import StripeSimulator

MakeVendor = Callable[[Clock, WebhookSender, random.Random], VendorSimulator]


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument(
        "--freshbooks", metavar="HOST:PORT", help="serve FreshBooks (port 0 = free)"
    )
    parser.add_argument("--stripe", metavar="HOST:PORT", help="serve Stripe (port 0 = free)")
    parser.add_argument("--record", type=Path, metavar="FILE.jsonl", help="append every request")
    parser.add_argument(
        "--record-webhooks", type=Path, metavar="FILE.jsonl", help="append every try of a webhook"
    )
    parser.add_argument(
        "--check-answers",
        type=Path,
        metavar="FOLDER",
        help="hold every answer against the vendors' descriptions and samples in this folder",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all randomness (default 0)")
    parser.add_argument("--client-id", default="sandbox-client", help="the FreshBooks app's id")
    parser.add_argument("--client-secret", default="sandbox-secret", help="and its secret")
    parser.add_argument(
        "--redirect-uri", action="append", default=[], help="a registered one, besides loopback"
    )
    options = parser.parse_args(arguments)
    if not (options.freshbooks or options.stripe):
        parser.error("give --freshbooks, --stripe or both")
    return options


def vendors_to_serve(options: argparse.Namespace) -> dict[str, tuple[str, MakeVendor]]:
    """Name -> address and how to make the vendor."""
    vendors: dict[str, tuple[str, MakeVendor]] = {}
    if options.freshbooks:

        def freshbooks(
            clock: Clock, webhooks: WebhookSender, rng: random.Random
        ) -> VendorSimulator:
            app = App(options.client_id, options.client_secret, tuple(options.redirect_uri))
            return FreshBooksSimulator(clock, webhooks, rng, app)

        vendors["freshbooks"] = (options.freshbooks, freshbooks)
    if options.stripe:
        vendors["stripe"] = (options.stripe, StripeSimulator)
    return vendors


def contracts(folder: Path | None) -> dict[str, Contract]:
    """What the vendors' answers are held against; nothing without a folder."""
    if folder is None:
        return {}
    return {
        "freshbooks": FreshBooksContract(folder / "fixtures" / "freshbooks"),
        "stripe": StripeContract.read(folder / "contracts" / "stripe_spec3.json"),
    }


async def serve(options: argparse.Namespace) -> None:
    """Start the vendors, print where they are, stop on SIGTERM or SIGINT."""
    clock, recorder = Clock(), Recorder(options.record)
    tries = WebhookRecorder(options.record_webhooks)
    documented = contracts(options.check_answers)
    runners: list[web.AppRunner] = []
    addresses: dict[str, str] = {}
    for name, (address, make_vendor) in vendors_to_serve(options).items():
        # One generator per purpose: traffic to one vendor leaves the other's dice alone.
        faults = FaultList(random.Random(f"{options.seed} faults {name}"))
        answers = AnswerBook(documented.get(name))
        webhooks = WebhookSender(clock, faults, answers.look_at_webhook, tries.of(name))
        vendor = make_vendor(clock, webhooks, random.Random(f"{options.seed} {name}"))
        listening = bind(address)
        host, port = listening.getsockname()[:2]
        vendor.base_url = addresses[name] = f"http://{host}:{port}"
        app = build_vendor_app(Controls(vendor, clock, faults, webhooks, recorder, answers))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        runners.append(runner)
    print(json.dumps(addresses), flush=True)  # noqa: T201 - this line is the interface
    await until_told_to_stop()
    for runner in runners:
        await runner.cleanup()
    recorder.close()
    tries.close()


def bind(address: str) -> socket.socket:
    """Take the port now, so that links can name it before the first request."""
    host, _, port = address.rpartition(":")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host or "127.0.0.1", int(port)))
    return listening


async def until_told_to_stop() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(parse_arguments()))
