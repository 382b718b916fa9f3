"""What must hold after any failure: the list, and a checker for each, read from the vendors' books."""
