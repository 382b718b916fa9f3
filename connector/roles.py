"""What staff may do: permissions for the admin's buttons, and two groups to begin with.

Both are made after each migration. Each permission is put into a group once and never again: one
that came with an upgrade reaches groups that exist, and what an operator takes out stays out.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from connector.models import RoleGrant

REQUEUE = "connector.requeue_syncjob"
REPLAY = "connector.replay_delivery"
SYNC_INVOICE = "connector.sync_invoicelink"
SEND_AGAIN = "connector.send_again_invoicelink"
SYNC_CLIENT = "connector.sync_clientlink"
APPROVE = "connector.approve_collectedpayment"
MATCH = "connector.match_straypayment"
DECIDE = "connector.decide_outsidepayment"
MAKE_PLAN = "connector.make_plan"
APPROVE_PLAN = "connector.approve_plan"
CLOSE_MONTH = "connector.close_closedperiod"
LOOK_AFTER = "connector.change_discrepancy"  # Django's own: the owner is the only field to change
REFRESH = "tenants.refresh_tenant"
OPERATE = "tenants.operate_tenant"
ERASE = "tenants.erase_tenant"

OF_BUTTONS = {
    CLOSE_MONTH: "Can close a month and open it again",
    REQUEUE: "Can re-queue and release jobs",
    REPLAY: "Can replay deliveries",
    SYNC_INVOICE: "Can synchronize invoices now",
    SEND_AGAIN: "Can send an invoice to Stripe again that somebody voided there",
    SYNC_CLIENT: "Can synchronize clients now",
    APPROVE: "Can approve payments to be recorded in FreshBooks, or leave them",
    MATCH: "Can match payments without invoice, leave them alone, and take matches back",
    DECIDE: "Can say whether a payment in FreshBooks is Stripe's own money, entered by hand",
    MAKE_PLAN: "Can have a plan made: what would be done, without doing it",
    APPROVE_PLAN: "Can approve a plan, which is then applied, or discard it",
    REFRESH: "Can ping, poll and reconcile a tenant now",
    ERASE: "Can erase a tenant for good",
    OPERATE: "Can pause and resume a tenant, register webhooks, make onboarding links",
}
SUPPORT, FINANCE = "Support", "Finance"
OURS = ("connector", "tenants", "audit")
MONEY_MODELS = (
    "tenant",
    "clientlink",
    "invoicelink",
    "collectedpayment",
    "outsidepayment",
    "straypayment",
    "discrepancy",
    "plan",
    "planstep",
    "moneyfact",
    "balancemovement",
    "payout",
    "closedperiod",
)


def ensure_roles(sender: AppConfig, using: str, **_: Any) -> None:
    """Run by `migrate` once the connector's tables exist; its permissions were made just before."""
    if sender.name != "connector":
        return
    _ensure_permissions(using)
    _fill(
        using,
        SUPPORT,
        Q(content_type__app_label__in=OURS, codename__startswith="view_")
        | _named(REQUEUE, REPLAY, SYNC_INVOICE, SYNC_CLIENT, MAKE_PLAN, REFRESH, LOOK_AFTER),
    )
    views = [f"view_{model}" for model in MONEY_MODELS]
    _fill(
        using,
        FINANCE,
        Q(content_type__app_label__in=OURS, codename__in=views)
        | _named(APPROVE, MATCH, DECIDE, MAKE_PLAN, APPROVE_PLAN, CLOSE_MONTH, LOOK_AFTER),
    )


def _ensure_permissions(using: str) -> None:
    for permission, name in OF_BUTTONS.items():
        app, _, codename = permission.partition(".")
        model = codename.rpartition("_")[2]
        about, _ = ContentType.objects.using(using).get_or_create(app_label=app, model=model)
        Permission.objects.using(using).update_or_create(
            content_type=about, codename=codename, defaults={"name": name}
        )


def _fill(using: str, name: str, wanted: Q) -> None:
    """Give the group what it was never given before."""
    group, made = Group.objects.using(using).get_or_create(name=name)
    if made:
        RoleGrant.objects.using(using).filter(role=name).delete()
    given = set(RoleGrant.objects.using(using).filter(role=name).values_list("codename", flat=True))
    new = [
        permission
        for permission in Permission.objects.using(using)
        .select_related("content_type")
        .filter(wanted)
        if _name(permission) not in given
    ]
    group.permissions.add(*new)
    RoleGrant.objects.using(using).bulk_create(
        [RoleGrant(role=name, codename=_name(permission)) for permission in new],
        ignore_conflicts=True,
    )


def _name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def _named(*permissions: str) -> Q:
    wanted = Q()
    for permission in permissions:
        app, _, codename = permission.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return wanted
