"""Settings of the installation: users, groups, and the clock. Django's own pages in our look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

if TYPE_CHECKING:
    Users, Groups, Tasks = UserAdmin[User], GroupAdmin, admin.ModelAdmin[Any]
else:
    from django_celery_beat.admin import PeriodicTaskAdmin
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    class Users(UserAdmin, ModelAdmin):
        """Django's page for users in unfold's look."""

        form = UserChangeForm
        add_form = UserCreationForm
        change_password_form = AdminPasswordChangeForm

    class Groups(GroupAdmin, ModelAdmin):
        """Django's page for groups in unfold's look."""

    class Tasks(PeriodicTaskAdmin, ModelAdmin):
        """The clock's own page in unfold's look."""


for model in (
    Group,
    User,
    PeriodicTask,
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    SolarSchedule,
):
    admin.site.unregister(model)

admin.site.register(User, Users)
admin.site.register(Group, Groups)
# The clock's few entries only ring; the work itself is in the list of jobs.
admin.site.register(PeriodicTask, Tasks)
