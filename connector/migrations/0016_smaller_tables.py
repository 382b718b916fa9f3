from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations

# Nobody ever read it. Older versions, which still write it, may run beside: the column goes later.
UNTOLD = "ALTER TABLE connector_vendorwrite ALTER COLUMN body_hash SET DEFAULT ''"
TOLD = "ALTER TABLE connector_vendorwrite ALTER COLUMN body_hash DROP DEFAULT"


class Migration(migrations.Migration):
    """What every invoice leaves behind, made smaller; nobody waits while indexes are built."""

    atomic = False
    dependencies = [("connector", "0015_turns_in_order")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(UNTOLD, TOLD)],
            state_operations=[migrations.RemoveField("vendorwrite", "body_hash")],
        ),
        # Each unfinished state has an index of its own that begins with the tenant.
        RemoveIndexConcurrently(model_name="syncjob", name="job_by_state"),
        AddIndexConcurrently(
            model_name="moneyfact",
            index=BrinIndex(autosummarize=True, fields=["seen_at"], name="fact_by_stretch"),
        ),
        RemoveIndexConcurrently(model_name="moneyfact", name="fact_by_arrival"),
    ]
