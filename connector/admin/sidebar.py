"""The sidebar: every list in its group, shown to those who may open it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from connector import allocating
from connector.models import StrayPayment

# Title, icon and "app.model" of each list, by group.
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Tenants",
        (
            ("Tenants", "apartment", "tenants.tenant"),
            ("FreshBooks connections", "book", "tenants.freshbooksconnection"),
            ("Stripe connections", "credit_card", "tenants.stripeconnection"),
            ("Callbacks", "webhook", "tenants.freshbookscallback"),
            ("Onboarding links", "link", "tenants.onboardinglink"),
        ),
    ),
    (
        "Work",
        (
            ("Deliveries", "inbox", "connector.delivery"),
            ("Jobs", "work_history", "connector.syncjob"),
            ("Plans", "fact_check", "connector.plan"),
            ("Plan steps", "checklist", "connector.planstep"),
            ("Poll feeds", "update", "connector.pollfeed"),
            ("Outages", "history_toggle_off", "connector.gap"),
            ("Vendor limits", "speed", "connector.ratebucket"),
            ("Vendor incidents", "cloud_off", "connector.vendorincident"),
            ("Vendor call counts", "monitoring", "connector.callcount"),
            ("Refused deliveries", "block", "connector.refuseddelivery"),
        ),
    ),
    (
        "Money",
        (
            ("Invoices", "receipt_long", "connector.invoicelink"),
            ("Collected payments", "payments", "connector.collectedpayment"),
            ("Unmatched money", "help_center", "connector.straypayment"),
            ("Outside payments", "savings", "connector.outsidepayment"),
            ("Discrepancies", "difference", "connector.discrepancy"),
            ("Journal", "menu_book", "connector.moneyfact"),
            ("Balance movements", "account_balance", "connector.balancemovement"),
            ("Payouts", "account_balance_wallet", "connector.payout"),
            ("Statements", "summarize", "connector.closedperiod"),
        ),
    ),
    ("Clients", (("Clients", "groups", "connector.clientlink"),)),
    (
        "Trail",
        (
            ("Audit entries", "history", "audit.auditentry"),
            ("Vendor writes", "edit_note", "connector.vendorwrite"),
        ),
    ),
    (
        "Settings",
        (
            ("Users", "person", "auth.user"),
            ("Groups", "group", "auth.group"),
            ("Periodic tasks", "schedule", "django_celery_beat.periodictask"),
        ),
    ),
)

MOST_COUNTED = 99


def unmatched() -> str:
    """How many payments wait to be matched, "" if none: shown beside their list."""
    rows = StrayPayment.objects.filter(state__in=allocating.OPEN).values("pk")
    count = len(rows[: MOST_COUNTED + 1])
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")


# Lists with a number that waits for somebody.
COUNTED: dict[str, Callable[[], str]] = {"connector.straypayment": unmatched}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups, without the lists that this person may not open."""
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [overview]}]
    for title, items in GROUPS:
        shown = [_item(*item) for item in items if _may_open(request, item[2])]
        if shown:
            groups.append({"title": title, "separator": True, "items": shown})
    return groups


def stylesheet(request: HttpRequest) -> str:
    """What our own templates add to unfold's styles."""
    return static("connector/admin.css")


def icon(request: HttpRequest) -> str:
    """The little picture on the browser's tab."""
    return static("connector/icon.svg")


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    number = COUNTED[model]() if model in COUNTED else ""
    counted = {"badge": number, "badge_variant": "warning"} if number else {}
    return {"title": title, "icon": icon, "link": url, **counted}


def _may_open(request: HttpRequest, model: str) -> bool:
    app, _, name = model.partition(".")
    return request.user.has_perm(f"{app}.view_{name}") or request.user.has_perm(
        f"{app}.change_{name}"
    )
