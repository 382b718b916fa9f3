"""Which permissions each role of staff was given: what was taken out of it is not given again."""

from __future__ import annotations

from django.db import models


class RoleGrant(models.Model):
    """One permission that was put into one role's group, once. Belongs to no tenant."""

    role = models.CharField(max_length=150)
    codename = models.CharField(max_length=150, help_text='As "connector.view_payout".')
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "codename"], name="one_grant_per_role"),
        ]
        verbose_name = "role grant"

    def __str__(self) -> str:
        return f"{self.role}: {self.codename}"
