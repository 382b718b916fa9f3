"""Schema of tenants and connections."""
