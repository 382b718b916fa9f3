"""Customers of a Stripe account. None is ever deleted: that would cancel what others set up."""

from __future__ import annotations

from connector.vendors.stripe.api import Body, StripeApi, path_to
from connector.vendors.stripe.pages import all_readable, page_params, to_page
from connector.vendors.stripe.parsing import to_customer
from connector.vendors.stripe.records import StripeCustomer, StripePage

MAX_SAME_EMAIL_PAGES = 10


class CustomerCalls(StripeApi):
    """Operations stripe.customers.*."""

    def create_customer(self, body: Body, *, idempotency_key: str) -> StripeCustomer:
        """Create a customer."""
        return self.write(
            "stripe.customers.create",
            path_to("customers"),
            to_customer,
            body=body,
            idempotency_key=idempotency_key,
        )

    def update_customer(
        self, customer_id: str, body: Body, *, idempotency_key: str
    ) -> StripeCustomer:
        """Change the fields that `body` names; metadata is merged key by key."""
        return self.write(
            "stripe.customers.update",
            path_to("customers", customer_id),
            to_customer,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_customer(self, customer_id: str) -> StripeCustomer:
        """One customer; a deleted one answers with `deleted` true."""
        return self.read("stripe.customers.get", path_to("customers", customer_id), to_customer)

    def find_customers(self, *, email: str) -> tuple[StripeCustomer, ...]:
        """Customers with exactly this address, letter case included; it is not unique.

        Uses the list filter and not the search, which lags behind. At most 1,000 are read.
        """
        found: list[StripeCustomer] = []
        cursor = ""
        for _ in range(MAX_SAME_EMAIL_PAGES):
            page = self.read(
                "stripe.customers.find",
                path_to("customers"),
                to_page(to_customer),
                params={**page_params(cursor), "email": email},
            )
            found += all_readable(page).rows
            cursor = page.next_cursor
            if not cursor:
                break
        return tuple(found)

    def list_customers(self, *, cursor: str = "") -> StripePage[StripeCustomer]:
        """One page of customers, newest first."""
        return self.read(
            "stripe.customers.list",
            path_to("customers"),
            to_page(to_customer),
            params=page_params(cursor),
        )
