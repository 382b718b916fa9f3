"""Names for the shapes that are passed around."""

from typing import Any

# A Stripe object in its JSON shape. Keys that begin with "_" are the simulator's own
# notes: they are kept with the object and never leave it.
Obj = dict[str, Any]
