"""How often, and how many at once, one may call a vendor; shared by all workers."""
