from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes that grow with every entry for good, made smaller; nobody waits while they are built."""

    atomic = False
    dependencies = [("audit", "0002_outside_copies")]

    operations = [
        AddIndexConcurrently(
            model_name="auditentry",
            index=models.Index(fields=["tenant_id", "entity"], name="audit_of_entity"),
        ),
        AddIndexConcurrently(
            model_name="auditentry",
            index=BrinIndex(autosummarize=True, fields=["at"], name="audit_by_stretch"),
        ),
        RemoveIndexConcurrently(model_name="auditentry", name="audit_by_entity"),
        RemoveIndexConcurrently(model_name="auditentry", name="audit_by_time"),
    ]
