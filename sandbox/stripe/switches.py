"""Questions that Stripe's documentation leaves open; the first answer is the default."""

SWITCHES: dict[str, tuple[str, ...]] = {
    # Lifecycle
    "void_uncollectible": ("refused", "allowed"),
    "void_partly_paid": ("refused", "allowed"),
    "finalize_overdue_draft": ("allowed", "refused"),
    "send_again": ("mails_again", "no_mail", "refused"),
    "send_paid": ("refused", "allowed"),
    "revise_partly_paid": ("refused", "allowed"),
    # Numbers and dates
    "duplicate_number": ("refused", "allowed"),
    "number_of_void_invoice": ("kept", "freed"),
    "number_of_deleted_draft": ("freed", "kept"),
    "days_until_due_zero": ("accepted", "refused"),
    "due_date_least_distance": ("any_future", "one_hour"),
    "due_date_on_open": ("refused", "allowed"),
    # Lines
    "line_rounding": ("half_up", "half_even", "down"),
    "fractional_quantity": ("null", "whole_part"),
    "line_order": ("newest_first", "as_given"),
    "add_lines_maximum": ("250", "100", "20"),
    "tax_display_name_maximum": ("200", "50"),
    # Payments
    "attach_more_than_remains": ("overpaid", "refused"),
    "attach_other_customer": ("refused", "allowed"),
    "attach_other_currency": ("refused", "allowed"),
    "attach_to_closed_invoice": ("refused", "allowed"),
    "out_of_band_payment": ("payment_record", "nothing"),
    "out_of_band_event": ("sent", "not_sent"),
    "overpayment_in_invoice_payment": ("included", "left_out"),
    "payment_reference": ("free", "unique"),
    "refund_effect_on_invoice": ("none", "lowers_amount_paid"),
    "lost_dispute_effect_on_invoice": ("none", "lowers_amount_paid"),
    "balance_transaction": ("later", "at_once"),
    # Limits per account and mode; real ones are 100 live, 25 in test mode, 25 per endpoint
    "rate_limit": ("off", "10_per_second", "25_per_second", "100_per_second"),
    "endpoint_rate_limit": ("off", "5_per_second", "25_per_second"),
    # Keys and transport
    "forbidden_text": ("on_account", "permission_denied"),
    "unnamed_permissions": ("not_enforced", "enforced"),
    "add_lines_permission": ("invoice_only", "product_and_price"),
    "expand_payments_permission": ("none", "credit_note_read"),
    "status_429": ("rate_limit", "lock_timeout"),
    "missing_version": ("account_default", "refused"),
    "refused_request_replays": ("yes", "no"),
}
