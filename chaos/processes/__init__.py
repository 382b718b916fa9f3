"""Tier 2: the whole product in real processes, killed, stopped, starved and cut off while it works."""
