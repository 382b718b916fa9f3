"""Who the tenants are, and with which credentials they reach the two vendors."""
