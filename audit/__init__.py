"""What happened: an append-only, hash-chained trail per tenant."""
