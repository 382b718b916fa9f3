from django.db import migrations, models


class Migration(migrations.Migration):
    """What was found by looking comes back after what was asked for."""

    dependencies = [("connector", "0017_order_of_turns")]

    operations = [
        migrations.AddField(
            model_name="ratebucket",
            name="later_turn_at",
            field=models.DateTimeField(
                blank=True, help_text="The same of what was found by looking.", null=True
            ),
        ),
    ]
