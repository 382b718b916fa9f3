"""What people and banks do: the verbs of `POST /_sandbox/act`."""

from collections.abc import Callable

from sandbox.stripe.acts import accounts, balance, invoices, money
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World

Verb = Callable[[World, Obj], Obj]

ACTS: dict[str, Verb] = {
    "create_account": accounts.create_account,
    "create_restricted_key": accounts.create_restricted_key,
    "revoke_key": accounts.revoke_key,
    "break_next_write": accounts.break_next_write,
    "resend_event": accounts.resend_event,
    "edit_customer": invoices.edit_customer,
    "delete_customer": invoices.delete_customer,
    "edit_invoice_metadata": invoices.edit_invoice_metadata,
    "void_invoice": invoices.void_invoice,
    "mark_uncollectible": invoices.mark_uncollectible,
    "credit_invoice": invoices.credit_invoice,
    "create_invoice": invoices.create_invoice,
    "pay_invoice": money.pay_invoice,
    "create_payment": money.create_payment,
    "settle_payment": money.settle_payment,
    "fail_payment": money.fail_payment,
    "refund": money.refund,
    "settle_refund": money.settle_refund,
    "fail_refund": money.fail_refund,
    "dispute": money.dispute,
    "win_dispute": money.win_dispute,
    "lose_dispute": money.lose_dispute,
    "fund_cash_balance": money.fund_cash_balance,
    "pay_out": balance.pay_out,
    "settle_payout": balance.settle_payout,
    "fail_payout": balance.fail_payout,
    "charge_fee": balance.charge_fee,
    "hold_reserve": balance.hold_reserve,
    "release_reserve": balance.release_reserve,
}
