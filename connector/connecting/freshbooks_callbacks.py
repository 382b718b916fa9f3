"""Our callbacks at FreshBooks: one event, one address, one signing key each.

The row exists before FreshBooks is asked, because the handshake may arrive before the answer. The
verifier that a handshake brings is trusted only after FreshBooks has accepted it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.recording import Cause, record
from connector.clients import freshbooks_client
from connector.errors import VendorNotFound, VendorUnavailable
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.records import FreshBooksCallback as ListedCallback
from tenants.models import FreshBooksCallback, new_url_token, token_digest
from tenants.scope import tenant_scope

NOUNS = ("client", "invoice", "payment")
EVENTS = tuple(f"{noun}.{verb}" for noun in NOUNS for verb in ("create", "update", "delete"))
HANDSHAKE_PATIENCE = timedelta(minutes=10)
MAX_PAGES = 20


def register_freshbooks_callbacks(tenant_id: int, *, cause: Cause, renew: bool = False) -> int:
    """Make sure that each event has one working callback; answer how many had to be made.

    Working ones stay, unless `renew`; so does one whose handshake may still be on its way.
    """
    client = freshbooks_client(tenant_id)
    listed = list(_callbacks_of_ours(client))
    keep = set() if renew else _working(tenant_id, listed)
    made = 0
    for event in EVENTS:
        if not any(row.event == event for row in listed if row.callback_id in keep):
            _register(client, tenant_id, event, cause=cause)
            made += 1
    for callback in listed:
        if callback.callback_id not in keep:
            _delete(client, callback.callback_id)
    return made


def unregister_freshbooks_callbacks(tenant_id: int) -> int:
    """Remove every callback of ours, there and here; answer how many there were."""
    client = freshbooks_client(tenant_id)
    listed = list(_callbacks_of_ours(client))
    for callback in listed:
        _delete(client, callback.callback_id)
    with tenant_scope(tenant_id):
        FreshBooksCallback.objects.all().delete()
    return len(listed)


def confirm_callback(tenant_id: int, callback_row_id: int, *, cause: Cause) -> str:
    """Send the handshake's verifier back, which switches the callback on; what was done.

    Raises: VendorRefused if FreshBooks does not know this verifier: it was not FreshBooks' own.
    """
    with tenant_scope(tenant_id):
        row = FreshBooksCallback.objects.filter(pk=callback_row_id).first()
        verifier = row.verifier if row else ""
    if row is None or row.state != FreshBooksCallback.State.CONFIRMING:
        return "nothing to confirm"
    if row.callback_id is None or not verifier:
        raise VendorUnavailable(
            "The handshake of a FreshBooks callback is not complete yet.",
            vendor="freshbooks",
            code="handshake_incomplete",
            retry_after_s=1.0,
        )
    freshbooks_client(tenant_id).verify_callback(callback_id=row.callback_id, verifier=verifier)
    with tenant_scope(tenant_id):
        confirmed = FreshBooksCallback.objects.filter(
            pk=row.pk, callback_id=row.callback_id, state=FreshBooksCallback.State.CONFIRMING
        ).update(state=FreshBooksCallback.State.ACTIVE)
        if not confirmed:
            return "replaced meanwhile"
        record(
            tenant_id=tenant_id,
            action="freshbooks.callback_confirmed",
            entity=f"freshbooks_callback:{row.callback_id}",
            cause=cause,
            details={"event": row.event},
        )
    return f"{row.event} confirmed"


def find_silent_events(client: FreshBooksAccountClient, tenant_id: int) -> list[str]:
    """Events for which no working callback exists at FreshBooks."""
    listed = [row for row in _callbacks_of_ours(client) if row.verified]
    working = _working(tenant_id, listed)
    heard = {row.event for row in listed if row.callback_id in working}
    return [event for event in EVENTS if event not in heard]


def _working(tenant_id: int, listed: list[ListedCallback]) -> set[int]:
    """Ids of listed callbacks that our rows know and that are, or are about to be, switched on."""
    with tenant_scope(tenant_id):
        rows = {row.token_digest: row for row in FreshBooksCallback.objects.all()}
    recent = timezone.now() - HANDSHAKE_PATIENCE
    working = set()
    for callback in listed:
        row = rows.get(token_digest(_token_in(callback.uri)))
        if row is None or row.event != callback.event:
            continue
        answered = row.state != FreshBooksCallback.State.REGISTERING
        if answered if callback.verified else row.created_at > recent:
            working.add(callback.callback_id)
    return working


def _register(client: FreshBooksAccountClient, tenant_id: int, event: str, *, cause: Cause) -> None:
    """The row first, then the call, then the id, unless the handshake has brought it already."""
    token = new_url_token()
    with tenant_scope(tenant_id):
        FreshBooksCallback.objects.filter(event=event).delete()
        row = FreshBooksCallback.objects.create(
            tenant_id=tenant_id, event=event, token_digest=token_digest(token)
        )
    created = client.create_callback(event=event, uri=f"{_prefix()}{token}/")
    with tenant_scope(tenant_id):
        FreshBooksCallback.objects.filter(pk=row.pk).update(callback_id=created.callback_id)
        record(
            tenant_id=tenant_id,
            action="freshbooks.callback_registered",
            entity=f"freshbooks_callback:{created.callback_id}",
            cause=cause,
            details={"event": event},
        )


def _callbacks_of_ours(client: FreshBooksAccountClient) -> Iterator[ListedCallback]:
    """Those below our address: other installations' are left alone."""
    for number in range(1, MAX_PAGES + 1):
        page = client.list_callbacks(page=number)
        yield from (row for row in page.rows if row.uri.startswith(_prefix()))
        if page.last:
            return


def _delete(client: FreshBooksAccountClient, callback_id: int) -> None:
    try:
        client.delete_callback(callback_id=callback_id)
    except VendorNotFound:
        return  # somebody was quicker


def _prefix() -> str:
    return f"{settings.PUBLIC_BASE_URL}/webhooks/freshbooks/"


def _token_in(uri: str) -> str:
    return uri.removeprefix(_prefix()).strip("/")
