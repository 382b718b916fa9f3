"""HTTP clients of the two vendors. They know nothing of tenants, models or audit: what they need is passed in."""
