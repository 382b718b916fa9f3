"""When the clock last ticked, and who made it tick."""

from __future__ import annotations

from django.db import models


class Clock(models.Model):
    """One thing that is done every second or two: whoever gets to move this row does it."""

    class By(models.TextChoices):
        BEAT = "beat", "beat"
        WORKER = "worker", "a worker, in place of beat"

    name = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=8, choices=By)

    def __str__(self) -> str:
        return f"{self.name}: {self.at:%Y-%m-%d %H:%M:%S} by {self.get_by_display()}"
