from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Jobs of one moment come in the order in which they were added, without being sorted for it."""

    atomic = False
    dependencies = [("connector", "0016_smaller_tables")]

    operations = [
        AddIndexConcurrently(
            model_name="syncjob",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["queue", "tenant", "priority", "due_at", "id"],
                name="job_turns",
            ),
        ),
        RemoveIndexConcurrently(model_name="syncjob", name="job_turn"),
    ]
