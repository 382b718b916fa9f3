"""Both simulated vendors, tried by a stranger: nothing but the two official packages is used.

    pip install freshbooks-sdk stripe
    python -m sandbox --freshbooks 127.0.0.1:8010 --stripe 127.0.0.1:8020
    python examples/try_the_sandbox.py http://127.0.0.1:8010 http://127.0.0.1:8020

What only people can do at a real vendor (sign up, log in) goes through the simulators' control API.
Ends with exit code 0 only if everything happened as both vendors document it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import stripe
from freshbooks.client import Client

REDIRECT_URI = "http://127.0.0.1:9/callback"
SCOPES = [
    f"user:{name}:{verb}"
    for name in ("clients", "invoices", "payments")
    for verb in ("read", "write")
]
PATIENCE_S = 10.0
say = print


def main(freshbooks_url: str, stripe_url: str) -> None:
    """Try one side, then the other."""
    stripe.enable_telemetry = False
    with receiving() as mailbox:
        try_freshbooks(freshbooks_url, mailbox)
        try_stripe(stripe_url, mailbox)
    say("Everything happened as documented.")


# FreshBooks --------------------------------------------------------------------------------------


def try_freshbooks(url: str, mailbox: Mailbox) -> None:
    """A client, an invoice, a callback with its handshake, and a payment that it tells of."""
    client, account_id = log_in(url)
    person = {"organization": "Haddad Dental", "email": "ap@haddad.example"}
    customer = client.clients.create(account_id, person)
    say(f"FreshBooks client {customer.id}: {customer.organization}")
    price = {"amount": "80.00", "code": "CAD"}
    tax = {"taxName1": "GST", "taxAmount1": "5"}
    line = {"name": "Labour", "qty": "1.5", "unit_cost": price, **tax}
    body = {"customerid": customer.id, "create_date": "2026-03-03", "lines": [line]}
    invoice = client.invoices.create(account_id, body)
    expect("the invoice's total", str(invoice.amount.amount), "126.00")
    client.invoices.update(account_id, invoice.id, {"action_mark_as_sent": True})
    say(f"FreshBooks invoice {invoice.invoice_number} over {invoice.amount.amount}, sent")
    verifier = register_callback(client, account_id, mailbox)
    payment = client.payments.create(
        account_id,
        {
            "invoiceid": invoice.id,
            "amount": {"amount": "26.00", "code": "CAD"},
            "date": "2026-03-10",
            "type": "Check",
        },
    )
    check_callback(mailbox.next("/freshbooks"), verifier, object_id=payment.id)
    left = client.invoices.get(account_id, invoice.id)
    expect("what is outstanding", str(left.outstanding.amount), "100.00")
    say(f"FreshBooks payment {payment.id} over 26.00; {left.outstanding.amount} outstanding")


def log_in(url: str) -> tuple[Any, str]:
    """Sign up a business, allow the app in as its owner, and exchange the code for tokens."""
    os.environ.update(FRESHBOOKS_API_URL=url, FRESHBOOKS_AUTH_URL=url)
    business = act(
        url,
        "create_business",
        name="Maple Joinery",
        email="noor@maple.example",
        currency="CAD",
    )
    client = Client("sandbox-client", "sandbox-secret", redirect_uri=REDIRECT_URI)
    asked = urlsplit(client.get_auth_request_url(SCOPES))
    answer = dict(parse_qsl(asked.query)) | {"login": business["login"], "decision": "allow"}
    client.get_access_token(allowed_code(url, answer))
    me = client.current_user()
    say(f"FreshBooks login {me.email} of account {business['account_id']}")
    return client, str(business["account_id"])


def allowed_code(url: str, answer: dict[str, str]) -> str:
    """Press "Allow" on the consent page; the code that the browser would carry back."""
    kind = "application/x-www-form-urlencoded"
    sent_on = post(f"{url}/oauth/authorize/", urlencode(answer).encode(), kind)
    return parse_qs(urlsplit(sent_on.headers["Location"]).query)["code"][0]


def register_callback(client: Any, account_id: str, mailbox: Mailbox) -> str:
    """Register for payments and answer the handshake; its verifier signs what comes later."""
    callback = client.callbacks.create(
        account_id, {"event": "payment.create", "uri": f"{mailbox.url}/freshbooks"}
    )
    handshake = mailbox.next("/freshbooks").fields
    expect("the handshake's name", handshake["name"], "callback.verify")
    expect("the handshake's callback", handshake["object_id"], str(callback.callbackid))
    verified = client.callbacks.verify(account_id, callback.callbackid, handshake["verifier"])
    expect("whether the callback is on", verified.verified, wanted=True)
    say(f"FreshBooks callback {callback.callbackid} registered and verified")
    return handshake["verifier"]


def check_callback(letter: Letter, verifier: str, *, object_id: int) -> None:
    """FreshBooks signs the JSON text of the decoded form fields, in their order."""
    text = json.dumps(letter.fields)
    digest = hmac.new(verifier.encode(), text.encode(), hashlib.sha256).digest()
    expect(
        "the callback's signature",
        letter.headers.get("x-freshbooks-hmac-sha256"),
        base64.b64encode(digest).decode(),
    )
    expect("the callback's event", letter.fields["name"], "payment.create")
    expect("the callback's object", letter.fields["object_id"], str(object_id))
    say("FreshBooks callback delivered, its signature is right")


# Stripe ------------------------------------------------------------------------------------------


def try_stripe(url: str, mailbox: Mailbox) -> None:
    """A customer, an invoice with lines, a webhook endpoint, a payment, a refund."""
    account = act(url, "create_account", name="Maple Joinery", country="CA")
    client = stripe.StripeClient(account["secret_key"], base_addresses={"api": url})
    customer = client.v1.customers.create({"name": "Haddad Dental", "email": "ap@haddad.example"})
    say(f"Stripe customer {customer.id}: {customer.name}")
    endpoint = client.v1.webhook_endpoints.create(
        {
            "url": f"{mailbox.url}/stripe",
            "enabled_events": ["invoice.paid", "charge.refunded"],
            "api_version": "2026-10-28.endive",
        }
    )
    secret = endpoint.secret or ""
    invoice = open_invoice(client, customer.id)
    act(url, "pay_invoice", account_id=account["account_id"], invoice=invoice.id)
    paid = client.construct_event(*mailbox.next("/stripe").signed(secret))
    expect("the event", paid.type, "invoice.paid")
    expect("its invoice", paid.data.object["id"], invoice.id)
    say("Stripe webhook delivered, its signature is right")
    payments = client.v1.invoice_payments.list({"invoice": invoice.id, "status": "paid"})
    intent = str(payments.data[0].payment.payment_intent)
    expect("the amount paid", payments.data[0].amount_paid, 12600)
    say(f"Stripe payment {intent} over {payments.data[0].amount_paid}")
    refund = client.v1.refunds.create({"payment_intent": intent, "amount": 2600})
    expect("the refund", refund.status, "succeeded")
    refunded = client.construct_event(*mailbox.next("/stripe").signed(secret))
    expect("the event", refunded.type, "charge.refunded")
    say(f"Stripe refund {refund.id} over {refund.amount}")


def open_invoice(client: stripe.StripeClient, customer_id: str) -> stripe.Invoice:
    """A draft with two lines, one of them taxed, made payable."""
    draft = client.v1.invoices.create(
        {
            "customer": customer_id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "currency": "cad",
        }
    )
    client.v1.invoices.add_lines(
        draft.id,
        {
            "lines": [
                {"description": "Hinges", "amount": 2000},
                {
                    "description": "Labour",
                    "amount": 10_000,
                    "tax_amounts": [
                        {
                            "amount": 600,
                            "taxable_amount": 10_000,
                            "tax_rate_data": {
                                "display_name": "GST",
                                "percentage": 6,
                                "inclusive": False,
                            },
                        }
                    ],
                },
            ]
        },
    )
    invoice = client.v1.invoices.finalize_invoice(draft.id)
    expect("the invoice's total", invoice.total, 12600)
    say(f"Stripe invoice {invoice.number} over {invoice.total}, {invoice.status}")
    return invoice


# What both need ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """One webhook as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The form fields, in their order."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def signed(self, secret: str) -> tuple[bytes, str, str]:
        """What Stripe's package wants to see before it believes an event."""
        return self.body, self.headers.get("stripe-signature", ""), secret


@dataclass
class Mailbox:
    """Where webhooks arrive; each is taken out once, in order."""

    url: str = ""
    letters: list[tuple[str, Letter]] = field(default_factory=list)

    def next(self, path: str) -> Letter:
        """The next one for this path. Raises TimeoutError if none comes."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for number, (where, letter) in enumerate(self.letters):
                if where == path:
                    del self.letters[number]
                    return letter
            time.sleep(0.01)
        raise TimeoutError(f"no webhook arrived at {path}")


@contextmanager
def receiving() -> Iterator[Mailbox]:
    """A web server of the standard library that keeps every webhook."""
    mailbox = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            mailbox.letters.append((self.path, Letter(headers, body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mailbox.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield mailbox
        server.shutdown()


def act(url: str, verb: str, **arguments: Any) -> dict[str, Any]:
    """What a person does at the vendor."""
    body = json.dumps({"do": verb, **arguments}).encode()
    answer = post(f"{url}/_sandbox/act", body, "application/json")
    result: dict[str, Any] = json.load(answer)
    return result


def post(url: str, body: bytes, kind: str) -> http.client.HTTPResponse:
    """One POST, without following redirects."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=10)
    connection.request("POST", address.path, body, {"Content-Type": kind})
    return connection.getresponse()


def expect(what: str, found: object, wanted: object) -> None:
    """End here if something is not as documented."""
    if found != wanted:
        raise SystemExit(f"{what}: expected {wanted!r}, found {found!r}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), sys.argv[2].rstrip("/"))
