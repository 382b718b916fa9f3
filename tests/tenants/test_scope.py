"""The tenant scope fails closed, in Python and in Postgres."""
