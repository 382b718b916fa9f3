"""The statement of a month: every movement of both sides, and where the difference comes from."""
