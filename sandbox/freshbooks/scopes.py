"""The OAuth scopes an app can have: `user:<object>:<read|write>`."""

_READ_ONLY = ("profile", "notifications", "reports")
_READ_WRITE = (
    "bill_payments",
    "bills",
    "bill_vendors",
    "billable_items",
    "business",
    "clients",
    "credit_notes",
    "estimates",
    "expenses",
    "invoices",
    "journal_entries",
    "online_payments",
    "other_income",
    "payments",
    "projects",
    "retainers",
    "taxes",
    "teams",
    "time_entries",
    "uploads",
)
PROFILE = "user:profile:read"
ALL_SCOPES: tuple[str, ...] = tuple(f"user:{name}:read" for name in _READ_ONLY) + tuple(
    f"user:{name}:{verb}" for name in _READ_WRITE for verb in ("read", "write")
)


def scope_of(resource: str, verb: str) -> str:
    """`user:clients:read` and the like."""
    return f"user:{resource}:{verb}"
