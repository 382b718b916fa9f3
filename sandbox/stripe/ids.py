"""Makes ids and tokens that look like Stripe's, from the seeded random source."""

import random
import string

ALPHABET = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
# Payment objects carry a 3 where the others have a 1; customers and products have neither.
LEADING = {"pi": "3", "ch": "3", "py": "3", "re": "3", "txn": "3", "cus": "", "prod": ""}


class IdMaker:
    """Gives ids, never the same one twice."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._count = 0

    def make(self, prefix: str) -> str:
        """Make an id such as `in_1S4fB...`."""
        self._count += 1
        lead = LEADING.get(prefix, "1")
        if not lead:
            return f"{prefix}_{self.token(14)}"
        return f"{prefix}_{lead}S{self.token(14)}{self._count:06d}"

    def token(self, length: int) -> str:
        """Make random letters and digits."""
        return "".join(self._source.choices(ALPHABET, k=length))

    def upper(self, length: int) -> str:
        """Make random upper-case letters and digits."""
        return "".join(self._source.choices(UPPER, k=length))
