from django.db import migrations, models


class Migration(migrations.Migration):
    """Jobs of one moment come in the order in which they were added, without being sorted for it;
    those that a vendor account has no room for come back one after the other."""

    dependencies = [("connector", "0014_leases")]

    operations = [
        migrations.AddField(
            model_name="ratebucket",
            name="turn_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the last of the jobs that were sent away comes back.",
                null=True,
            ),
        ),
        migrations.RemoveIndex(model_name="syncjob", name="job_turn"),
        migrations.AddIndex(
            model_name="syncjob",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["queue", "tenant", "priority", "due_at", "id"],
                name="job_turn",
            ),
        ),
    ]
