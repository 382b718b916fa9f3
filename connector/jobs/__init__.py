"""The work ledger: rows in Postgres are the work, Celery only rings (ADR 1)."""
