"""What Stripe was told of payments elsewhere before, as facts of the journal."""

from django.db import migrations

TOLD_SO_FAR = """
SELECT set_config('app.tenant', '*', true);
INSERT INTO connector_moneyfact (
    tenant_id, invoice_id, side, kind, key, source_id, payment_id, amount_minor, currency,
    about_minor, presentment_currency, settlement_currency, ours, note, happened_at, seen_at
)
SELECT
    tenant_id, invoice_id, 'stripe', 'reported', 'reported:' || freshbooks_payment_id || ':0',
    coalesce(nullif(stripe_payment_record_id, ''), reported_on_stripe_invoice),
    freshbooks_payment_id::text, reported_amount_minor, currency, reported_amount_minor,
    '', '', true, type, reported_at, reported_at
FROM connector_outsidepayment
WHERE reported_amount_minor <> 0 AND reported_at IS NOT NULL
ON CONFLICT DO NOTHING;
SELECT set_config('app.tenant', '', true);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('connector', '0002_money'),
    ]

    operations = [
        migrations.RunSQL(TOLD_SO_FAR, migrations.RunSQL.noop),
    ]
