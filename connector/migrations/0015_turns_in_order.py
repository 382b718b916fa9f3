from django.db import migrations, models


class Migration(migrations.Migration):
    """When jobs that a vendor account has no room for come back, one after the other."""

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
    ]
