"""The tenant scope: which tenant's rows the code that runs now may see.

Two walls. `TenantManager` refuses to build a query without a scope and filters by it; Postgres'
row-level security (config.rowsecurity) does the same for anything that goes around the manager.
A scope is a transaction, so no vendor call belongs inside one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final, TypeVar

from django.db import connection, models, transaction

from audit.recording import untold
from config.riding import arrive, get_off, ride_along

EVERY_TENANT: Final = "*"
_scope: ContextVar[str] = ContextVar("tenant_scope", default="")
_whole: ContextVar[str] = ContextVar("tenant_scope_whole", default="")
_TAKEN_BACK, _SHARED = "taken back", "shared"

OwnedModel = TypeVar("OwnedModel", bound=models.Model)


class NoTenantScope(RuntimeError):
    """A tenant-owned table was queried outside `tenant_scope` or `every_tenant`."""


class TenantScopeConflict(RuntimeError):
    """A scope for one tenant was opened inside the scope of another."""


def current_scope() -> str:
    """The tenant's id as text, "*" for every tenant, or "" outside any scope."""
    return _scope.get()


@contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """One transaction that sees and writes the rows of one tenant only."""
    outer = _scope.get()
    if outer not in {"", EVERY_TENANT, str(tenant_id)}:
        raise TenantScopeConflict(f"scope of tenant {tenant_id} inside the scope of {outer}")
    with _scoped(str(tenant_id)):
        yield


@contextmanager
def taken_back(tenant_id: int) -> Iterator[None]:
    """A tenant's scope of which nothing stays, whatever happens in it, and nothing is told.

    Scopes inside it open no savepoints: these would be half of what a rehearsal asks the database.
    So what an inner scope wrote before an exception left it stays visible until the end.
    """
    with tenant_scope(tenant_id), untold(), _as_a_whole(_TAKEN_BACK):
        yield
        arrive()


@contextmanager
def shared_scope(tenant_id: int) -> Iterator[None]:
    """A tenant's scope that several pieces of work share, and its commit: all of it, or nothing.

    Scopes inside it open no savepoints: an exception that leaves one of them, caught or not, is the
    end of the whole. One at a time for each tenant, so that two never wait for each other's rows.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ENTER_SHARED, [str(tenant_id), f"shared scope {tenant_id}"])
        token = _scope.set(str(tenant_id))
        try:
            with _as_a_whole(_SHARED):
                yield
            arrive()
        finally:
            get_off()
            _scope.reset(token)


@contextmanager
def _as_a_whole(how: str) -> Iterator[None]:
    token = _whole.set(how)
    try:
        yield
    finally:
        _whole.reset(token)


@contextmanager
def every_tenant() -> Iterator[None]:
    """One transaction that spans tenants: claiming jobs, looking up a URL token, the admin."""
    if _scope.get() not in {"", EVERY_TENANT}:
        raise TenantScopeConflict("a scope over every tenant inside the scope of one")
    with _scoped(EVERY_TENANT):
        yield


@contextmanager
def _scoped(scope: str) -> Iterator[None]:
    outer = _scope.get()
    if outer == scope and (whole := _whole.get()):
        with transaction.atomic(savepoint=False) if whole == _SHARED else nullcontext():
            yield
        return
    with transaction.atomic():
        if outer != scope:  # a scope within the same one: the setting holds already
            _set_local(scope)
        token = _scope.set(scope)
        try:
            yield
            arrive()
        finally:
            get_off()
            _scope.reset(token)
        if outer and outer != scope:  # a rollback restores it by itself
            _set_local(outer)


# Begins a statement that brings its scope along. What must not run before the scope holds takes its
# rows from `scope`, laterally if it reads a table.
SCOPED: Final = (
    "WITH scope AS MATERIALIZED (SELECT set_config('app.tenant', %(app_scope)s, true) AS held)"
)


@contextmanager
def own_commit(tenant_id: int | None) -> Iterator[dict[str, str]]:
    """For one statement that begins with SCOPED and commits by itself: a single trip to Postgres.

    Answers the value that it needs. None: the scope of every tenant. The managers do not know of
    this scope, only row-level security does.
    """
    scope, outer = (EVERY_TENANT if tenant_id is None else str(tenant_id)), _scope.get()
    if outer not in {"", EVERY_TENANT, scope}:
        raise TenantScopeConflict(f"scope of {scope} inside the scope of tenant {outer}")
    yield {"app_scope": scope}
    if outer and outer != scope:
        _set_local(outer)


_ENTER_SHARED = """
SELECT set_config('app.tenant', %s, true), pg_advisory_xact_lock(hashtextextended(%s, 0))
"""


def _set_local(scope: str) -> None:
    ride_along(f"SELECT set_config('app.tenant', '{scope}', true)")


class TenantManager(models.Manager[OwnedModel]):
    """The default manager of tenant-owned models: no scope, no query."""

    def get_queryset(self) -> models.QuerySet[OwnedModel]:
        """The rows of the scope that is open, or NoTenantScope."""
        scope = _scope.get()
        if not scope:
            raise NoTenantScope(
                f"{self.model.__name__} was queried outside a tenant scope; "
                "wrap the query in tenants.scope.tenant_scope(tenant_id)"
            )
        rows = super().get_queryset()
        return rows if scope == EVERY_TENANT else rows.filter(tenant_id=int(scope))
