"""Customers of a Stripe account. None is ever deleted: that would cancel what others set up."""

from __future__ import annotations

from connector.vendors.stripe.api import Body, StripeApi, path_to
from connector.vendors.stripe.pages import all_readable, page_params, to_page
from connector.vendors.stripe.parsing import to_customer, to_tax_id
from connector.vendors.stripe.records import StripeCustomer, StripePage, StripeTaxId

MAX_SAME_EMAIL_PAGES = 10


class CustomerCalls(StripeApi):
    """Operations stripe.customers.* and stripe.tax_ids.*."""

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

    def list_tax_ids(self, customer_id: str, *, cursor: str = "") -> StripePage[StripeTaxId]:
        """One page of a customer's tax ids, newest first, with those that people added."""
        return self.read(
            "stripe.tax_ids.list",
            path_to("customers", customer_id, "tax_ids"),
            to_page(to_tax_id),
            params=page_params(cursor),
        )

    def create_tax_id(self, customer_id: str, body: Body, *, idempotency_key: str) -> StripeTaxId:
        """Give a customer one more tax id: `type` and `value`."""
        return self.write(
            "stripe.tax_ids.create",
            path_to("customers", customer_id, "tax_ids"),
            to_tax_id,
            body=body,
            idempotency_key=idempotency_key,
        )

    def delete_tax_id(self, customer_id: str, tax_id: str) -> None:
        """Take a tax id from a customer. Invoices that were finalized with it keep it."""
        self.delete("stripe.tax_ids.delete", path_to("customers", customer_id, "tax_ids", tax_id))
