"""A FreshBooks stand-in: OAuth, clients, invoices, payments, webhooks and small pages."""
