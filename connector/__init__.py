"""The work itself: vendors, mapping, jobs, sync, reconciliation, and the doorways that start them."""
