"""The trail: audit entries with their decrypted details, and every write to a vendor."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from django.contrib import admin
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.http import HttpRequest

from audit.models import AuditEntry
from audit.recording import KeysErased, read_details
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    BAD,
    NOTHING,
    badge,
    column,
    exact_time_column,
    link,
    list_of,
    page_of,
    pretty_json,
    state_column,
    text_column,
    time_column,
)
from connector.admin.filters import (
    BY_TENANT,
    StateFilter,
    TenantNumberFilter,
    TimeFilter,
    VendorFilter,
)
from connector.models import ClientLink, InvoiceLink, VendorWrite
from tenants.models import Tenant

ENTITIES: dict[str, tuple[type[Any], str]] = {
    "invoice": (InvoiceLink, "freshbooks_invoice_id"),
    "client": (ClientLink, "freshbooks_client_id"),
}


def _details(entry: AuditEntry) -> str:
    """The details in clear; after an erasure, or if somebody changed them, a word about that."""
    try:
        return pretty_json(read_details(entry))
    except KeysErased:
        return "The tenant was erased: its details can no longer be read."
    except InvalidTag:
        return badge("These details were changed after they were written. Verify the chain.", BAD)


def _same_cause(entry: AuditEntry) -> str:
    if entry.correlation_id is None:
        return NOTHING
    url = list_of(AuditEntry, q=entry.correlation_id)
    return link(url, f"All entries of this cause ({entry.correlation_id})")


def _entity(row: Any) -> str:
    """The entity, as a link where its row is known."""
    kind, _, number = row.entity.partition(":")
    model, field = ENTITIES.get(kind, (None, ""))
    if model is None or not number.isdecimal():
        return str(row.entity)
    found = model.objects.filter(tenant_id=row.tenant_id, **{field: int(number)}).first()
    return link(page_of(found), f"{kind} {found}") if found is not None else str(row.entity)


@admin.register(AuditEntry)
class AuditEntryPage(OperatorsPage):
    """One thing that was read, decided, written or clicked."""

    empty_text = (
        "Nothing was recorded yet. Whatever is decided, written or clicked for a tenant appears "
        "here, in a chain that shows any later change."
    )
    list_display = (
        exact_time_column("When", "at"),
        column("Tenant", lambda row: row.tenant_name),
        "sequence",
        "action",
        "entity",
        "actor",
        text_column("Why", lambda row: row.cause),
    )
    list_filter = (TenantNumberFilter, ("at", TimeFilter))
    joins = ()
    search_fields = ("correlation_id__exact", "entity__exact", "action__exact", "actor__exact")
    search_help_text = "Correlation id, entity (invoice:2903314), action or actor, in full"
    ordering = ("-id",)
    fieldsets = (
        section(
            None,
            exact_time_column("When", "at"),
            column("Tenant", lambda row: row.tenant_name),
            "action",
            column("About", _entity),
            "actor",
            "cause",
            column("Same cause", _same_cause),
        ),
        section("Details", column("In clear", _details)),
        section("Chain", "sequence", "previous_hash", "entry_hash"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the tenant's name, or its number once the tenant is gone."""
        name = Tenant.objects.filter(pk=OuterRef("tenant_id")).values("name")[:1]
        number = Concat(Value("tenant "), Cast("tenant_id", CharField()))
        rows = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(tenant_name=Coalesce(Subquery(name), number))
        return named


@admin.register(VendorWrite)
class VendorWritePage(OperatorsPage):
    """One write to a vendor: what was meant, and how it ended."""

    empty_text = (
        "Nothing was written to a vendor yet. Every write appears here before it is sent, with "
        "its body, its key and how it ended."
    )
    list_display = (
        column("Operation", lambda row: row.operation, order="operation"),
        "tenant",
        "entity",
        "step",
        state_column("State", "state", tones.WRITE),
        column("Object", lambda row: row.vendor_object_id or NOTHING),
        "attempts",
        time_column("First sent", "first_sent_at"),
    )
    list_filter = (
        BY_TENANT,
        VendorFilter,
        ("state", StateFilter),
        ("first_sent_at", TimeFilter),
    )
    search_fields = (
        "entity__exact",
        "vendor_object_id__exact",
        "idempotency_key__exact",
        "request_id__exact",
        "correlation_id__exact",
    )
    search_help_text = "Entity (invoice:2903314), vendor's object id, key, request id, in full"
    ordering = ("-id",)
    fieldsets = (
        section(
            None,
            "tenant",
            "operation",
            column("About", _entity),
            "step",
            "revision",
            state_column("State", "state", tones.WRITE),
            column("What went wrong", lambda row: row.error or NOTHING),
            column("Vendor's object", lambda row: row.vendor_object_id or NOTHING),
            column("Vendor's request id", lambda row: row.request_id or NOTHING),
        ),
        section(
            "Sending",
            "idempotency_key",
            "attempts",
            exact_time_column("First sent", "first_sent_at"),
            exact_time_column("Answered", "answered_at"),
            column("Correlation id", lambda row: str(row.correlation_id or NOTHING)),
        ),
        section(
            "Content",
            column("Body", lambda row: pretty_json(row.body)),
            column("Kept of the answer", lambda row: pretty_json(row.result)),
        ),
    )
