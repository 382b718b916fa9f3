"""Registering FreshBooks callbacks (webhooks). Their deliveries are verified in `callbacks`."""

from __future__ import annotations

from collections.abc import Mapping

from connector.vendors.freshbooks.api import Call, FreshBooksApi
from connector.vendors.freshbooks.envelopes import Family
from connector.vendors.freshbooks.pages import page_query, to_page
from connector.vendors.freshbooks.parsing import to_callback
from connector.vendors.freshbooks.records import FreshBooksCallback, Page
from connector.vendors.reading import Fields


class CallbackCalls(FreshBooksApi):
    """Operations freshbooks.callbacks.*."""

    def list_callbacks(self, *, page: int) -> Page[FreshBooksCallback]:
        """One page of this app's callbacks of the account."""
        return self.call(
            Call(
                operation="freshbooks.callbacks.list",
                method="GET",
                path=self._callbacks_path(),
                query=tuple(page_query(page)),
            ),
            lambda source: to_page(source, "callbacks", to_callback),
        )

    def create_callback(self, *, event: str, uri: str) -> FreshBooksCallback:
        """Register one event at one uri; silent until `verify_callback`.

        The handshake may reach the uri before this returns.
        """
        return self.call(
            Call(
                operation="freshbooks.callbacks.create",
                method="POST",
                path=self._callbacks_path(),
                body={"callback": {"event": event, "uri": uri}},
            ),
            _callback,
        )

    def verify_callback(self, *, callback_id: int, verifier: str) -> FreshBooksCallback:
        """Give the handshake's token back, which switches the callback on."""
        return self._put("freshbooks.callbacks.verify", callback_id, {"verifier": verifier})

    def delete_callback(self, *, callback_id: int) -> None:
        """Remove the registration for good."""
        self.call(
            Call(
                operation="freshbooks.callbacks.delete",
                method="DELETE",
                path=self._callbacks_path(callback_id),
                family=Family.DELETION,
            ),
            lambda _success: None,
        )

    def _put(
        self, operation: str, callback_id: int, change: Mapping[str, object]
    ) -> FreshBooksCallback:
        call = Call(
            operation=operation,
            method="PUT",
            path=self._callbacks_path(callback_id),
            body={"callback": {"callback_id": callback_id, **change}},
        )
        return self.call(call, _callback)

    def _callbacks_path(self, callback_id: int | None = None) -> str:
        path = f"/events/account/{self.account_id}/events/callbacks"
        return path if callback_id is None else f"{path}/{callback_id:d}"


def _callback(source: Fields) -> FreshBooksCallback:
    return to_callback(source.child("callback"))
