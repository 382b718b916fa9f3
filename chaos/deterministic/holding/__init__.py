"""What must hold at the end of a deterministic run, read from the vendors' own books."""
