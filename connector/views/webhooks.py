"""Webhooks of both vendors: verify, store, answer. Nothing is decided or called here.

Whatever is wrong with a request, its sender learns nothing but a status: 404 for an unknown URL,
400 or 401 for a bad signature or body, 413 for too much of it, 503 when it could not be stored.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from audit.recording import Cause
from connector import inbox
from connector.errors import ConnectorError, SignatureRejected
from connector.jobs import ledger
from connector.jobs.kinds import CONFIRM_CALLBACK, INTAKE
from connector.models import Delivery
from connector.ringing import ringer
from connector.vendors.freshbooks.callbacks import parse_handshake, verify_delivery
from connector.vendors.stripe.events import verify_event
from connector.vendors.stripe.records import StripeEvent
from tenants.addresses import find_freshbooks_callback, find_stripe_endpoint
from tenants.models import FreshBooksCallback, StripeConnection
from tenants.scope import tenant_scope

View = Callable[[HttpRequest, str], HttpResponse]
HANDSHAKE = "callback.verify"
LIFE_NOTED_EVERY = timedelta(minutes=1)


class Refused(Exception):
    """The request is not accepted. `reason` goes into a counter, never into the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def _webhook(source: str) -> Callable[[Callable[[HttpRequest, str], None]], View]:
    """Turn `receive(request, token)` into a view with the answers described above."""

    def decorate(receive: Callable[[HttpRequest, str], None]) -> View:
        @csrf_exempt
        @wraps(receive)
        def view(request: HttpRequest, token: str) -> HttpResponse:
            try:
                receive(request, token)
            except Refused as refused:
                return _refuse(source, refused)
            except (DatabaseError, InterfaceError):
                return HttpResponse(status=503)
            return HttpResponse(status=200)

        return view

    return decorate


def _refuse(source: str, refused: Refused) -> HttpResponse:
    try:
        inbox.count_refused(source=source, reason=refused.reason)
    except (DatabaseError, InterfaceError):
        return HttpResponse(status=503)
    return HttpResponse(status=refused.status)


def _read_body(request: HttpRequest) -> bytes:
    """The raw body, refused by its declared and by its real size."""
    if request.method != "POST":
        raise Refused(405, "not_a_post")
    limit = settings.WEBHOOK_MAX_BYTES
    declared = request.headers.get("Content-Length", "")
    if not declared.isdigit() or int(declared) > limit:
        raise Refused(413, "too_large")
    body = request.read(limit + 1)
    if len(body) > limit:
        raise Refused(413, "too_large")
    return body


@_webhook("stripe")
def receive_stripe_event(request: HttpRequest, token: str) -> None:
    """POST /webhooks/stripe/<endpoint token>/"""
    body = _read_body(request)
    signature = request.headers.get("Stripe-Signature", "")
    try:
        tenant_id, event = _verified(find_stripe_endpoint(token), body, signature)
    except Refused:  # by what is remembered of the endpoint, maybe: only a fresh look may refuse
        tenant_id, event = _verified(find_stripe_endpoint(token, afresh=True), body, signature)
    if inbox.store_event(tenant_id, event, via=Delivery.Via.WEBHOOK).is_new:
        ringer.ring(INTAKE)


def _verified(
    endpoint: StripeConnection | None, body: bytes, signature: str
) -> tuple[int, StripeEvent]:
    """Whose event this is, and the event; Refused if it is not meant for this endpoint."""
    secret = endpoint.endpoint_secret if endpoint else ""
    if endpoint is None or not secret:
        raise Refused(404, "unknown_endpoint")
    try:
        event = verify_event(body, signature, [secret], now=time.time())
    except SignatureRejected as error:
        raise Refused(400, "bad_signature") from error
    except ConnectorError as error:
        raise Refused(400, "malformed") from error
    if event.livemode != endpoint.livemode:
        raise Refused(400, "wrong_mode")
    if event.account_id and event.account_id != endpoint.account_id:
        raise Refused(400, "wrong_account")
    return endpoint.tenant_id, event


@_webhook("freshbooks")
def receive_freshbooks_callback(request: HttpRequest, token: str) -> None:
    """POST /webhooks/freshbooks/<callback token>/"""
    body = _read_body(request)
    callback = find_freshbooks_callback(token)
    if callback is None:
        raise Refused(404, "unknown_endpoint")
    signature = request.headers.get("X-FreshBooks-Hmac-SHA256", "")
    try:
        if _is_handshake(body):
            _take_verifier(callback, body)
        else:
            _take_delivery(callback, body, signature)
    except SignatureRejected as error:
        raise Refused(401, "bad_signature") from error
    except ConnectorError as error:
        raise Refused(400, "malformed") from error
    ringer.ring(INTAKE)


def _is_handshake(body: bytes) -> bool:
    return body.startswith(b"name=callback.verify") or b"&name=callback.verify" in body


def _take_verifier(callback: FreshBooksCallback, body: bytes) -> None:
    """Keep the verifier for confirmation. Trusted only once FreshBooks accepts it back."""
    handshake = parse_handshake(body)
    if callback.state == FreshBooksCallback.State.ACTIVE:
        raise Refused(400, "unasked_handshake")
    with tenant_scope(callback.tenant_id):
        row = FreshBooksCallback.objects.select_for_update().get(pk=callback.pk)
        row.verifier = handshake.verifier
        row.callback_id = row.callback_id or int(handshake.object_id)
        row.state = FreshBooksCallback.State.CONFIRMING
        row.save(update_fields=["verifier_sealed", "callback_id", "state"])
        ledger.enqueue(
            tenant_id=row.tenant_id,
            kind=CONFIRM_CALLBACK,
            subject=str(row.pk),
            cause=Cause(
                actor="webhook",
                reason=f"FreshBooks handshake for {row.event}",
                correlation_id=uuid.uuid4(),
            ),
        )


def _take_delivery(callback: FreshBooksCallback, body: bytes, signature: str) -> None:
    if callback.state == FreshBooksCallback.State.REGISTERING:
        raise Refused(401, "not_yet_confirmed")
    delivery = verify_delivery(body, signature, callback.verifier)
    inbox.store_hint(
        callback.tenant_id, event_type=delivery.name, object_id=str(delivery.object_id)
    )
    _note_life(callback)


def _note_life(callback: FreshBooksCallback) -> None:
    """When it last came, to the minute: a burst of deliveries does not write this row for each."""
    now = timezone.now()
    if callback.last_delivery_at is None or now - callback.last_delivery_at > LIFE_NOTED_EVERY:
        with tenant_scope(callback.tenant_id):
            FreshBooksCallback.objects.filter(pk=callback.pk).update(last_delivery_at=now)
