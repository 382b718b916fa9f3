"""The button that erases a tenant. It asks for the short name, because nothing brings it back."""

from __future__ import annotations

from connector import decisions_tenants
from connector.admin.buttons import Button
from connector.roles import ERASE

ERASE_BUTTON = Button(
    name="erase",
    group="End",
    label="Erase for good",
    permission=ERASE,
    explain="Disconnects both sides, destroys the tenant's credentials and keys, and removes "
    "the data of its people. This cannot be undone. The audit chain stays, unreadable and "
    "intact. To go on, type the tenant's short name as the reason.",
    press=lambda rows, click: decisions_tenants.erase(rows, typed=click.reason, cause=click.cause),
    done="Erasing {rows} has begun.",
    noun="tenant",
    nothing="Nothing was erased: the reason was not the tenant's short name.",
    icon="delete_forever",
    variant="danger",
    asks_reason=True,
)
