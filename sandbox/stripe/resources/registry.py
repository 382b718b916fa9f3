"""Every operation of the simulated API."""

from sandbox.stripe.operation import Operation
from sandbox.stripe.resources import (
    accounts,
    attaching,
    balance_transactions,
    cash,
    catalog,
    credit_notes,
    customer_balance,
    customers,
    disputes,
    endpoints,
    invoice_lines,
    invoice_payments,
    invoiceitems,
    invoices,
    lifecycle,
    outside,
    payments,
    payouts,
    refunds,
)

MODULES = (
    *(accounts, attaching, balance_transactions, cash, catalog, credit_notes, customer_balance),
    *(customers, disputes, endpoints, invoice_lines, invoice_payments, invoiceitems, invoices),
    *(lifecycle, outside, payments, payouts, refunds),
)
OPERATIONS: list[Operation] = [operation for module in MODULES for operation in module.OPERATIONS]
