"""The admin of operators and support staff: every table of the product, on one site.

It stands here, at the top, and not in each app, because its buttons queue work: `tenants` and
`audit` know nothing of the connector. Rows are read-only unless a page says otherwise; what may be
done to them are the buttons (`connector.admin.buttons`), each with a permission of its own.
"""

from django.contrib import admin

from connector.admin import (
    clients,
    connections,
    deliveries,
    discrepancies,
    gaps,
    invoices,
    jobs,
    journal,
    outside_payments,
    overview,
    payments,
    people,
    plans,
    settlement,
    statements,
    tenants,
    trail,
    unmatched,
    vendor_calls,
    vendor_limits,
)

__all__ = [
    "clients",
    "connections",
    "deliveries",
    "discrepancies",
    "gaps",
    "invoices",
    "jobs",
    "journal",
    "outside_payments",
    "overview",
    "payments",
    "people",
    "plans",
    "settlement",
    "statements",
    "tenants",
    "trail",
    "unmatched",
    "vendor_calls",
    "vendor_limits",
]

admin.site.index_template = "connector/admin/overview.html"
