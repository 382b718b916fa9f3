"""HTTP doorways: webhooks, connecting a tenant, health."""
