"""Both vendors know where to send their webhooks.

Registering them through the API, with a handshake for each, is the product's own business and has
tests of its own; here the outcome is put into both books directly, for it would be a third of a run.
"""

from __future__ import annotations

from django.conf import settings

from chaos.deterministic.vendors import Vendors
from connector.connecting.freshbooks_callbacks import EVENTS
from connector.connecting.stripe_endpoint import register_stripe_endpoint
from sandbox.freshbooks.book import Callback
from tenants.models import FreshBooksCallback, new_url_token, token_digest
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause


def listen(vendors: Vendors, shop: Shop) -> None:
    """From now on whatever happens at a vendor is told."""
    register_stripe_endpoint(shop.tenant.pk, cause=cause())
    world = vendors.freshbooks.controls.vendor._world  # type: ignore[attr-defined]
    account = world.book.accounts[shop.account_id]
    rows = []
    for number, event in enumerate(EVENTS, 1):
        token, verifier = new_url_token(), world.word(32)
        uri = f"{settings.PUBLIC_BASE_URL}/webhooks/freshbooks/{token}/"
        account.callbacks[number] = Callback(
            id=number,
            event=event,
            uri=uri,
            verifier=verifier,
            updated_at=world.now(),
            verified=True,
        )
        row = FreshBooksCallback(
            tenant_id=shop.tenant.pk,
            event=event,
            token_digest=token_digest(token),
            callback_id=number,
            state=FreshBooksCallback.State.ACTIVE,
        )
        row.verifier = verifier
        rows.append(row)
    with tenant_scope(shop.tenant.pk):
        FreshBooksCallback.objects.bulk_create(rows)
