"""Row-level security: a query without a tenant scope finds nothing and says so (ADR 3).

The scope is the Postgres setting `app.tenant`, set with SET LOCAL by `tenants.scope`: a tenant's
id, or "*" for work that is meant to span tenants. The application's role owns no table, so the
policies bind it; FORCE makes them bind the owner too.
"""

from __future__ import annotations

from django.db import migrations

SCOPE_FUNCTION = """
CREATE OR REPLACE FUNCTION app_scope() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE scope text := current_setting('app.tenant', true);
BEGIN
    IF scope IS NULL OR scope = '' THEN
        RAISE EXCEPTION 'query on a tenant-owned table outside a tenant scope'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'wrap it in tenants.scope.tenant_scope(tenant_id)';
    END IF;
    RETURN scope;
END $$;
"""

FORBID_CHANGE_FUNCTION = """
CREATE OR REPLACE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""


def create_functions() -> migrations.RunSQL:
    """The two functions that policies and triggers call."""
    return migrations.RunSQL(
        SCOPE_FUNCTION + FORBID_CHANGE_FUNCTION,
        "DROP FUNCTION IF EXISTS app_scope(); DROP FUNCTION IF EXISTS forbid_change();",
    )


def force_row_security(*tables: str) -> list[migrations.RunSQL]:
    """One operation per table: enable and force the tenant policy on it."""
    return [
        migrations.RunSQL(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY tenant_scope ON {table}"
            " USING ((SELECT app_scope()) IN ('*', tenant_id::text))"
            " WITH CHECK ((SELECT app_scope()) IN ('*', tenant_id::text));",
            f"DROP POLICY IF EXISTS tenant_scope ON {table};"
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
        )
        for table in tables
    ]


def append_only(table: str) -> migrations.RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE on a table, whoever asks."""
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change();"
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();",
        f"DROP TRIGGER IF EXISTS {table}_append_only ON {table};"
        f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table};",
    )
