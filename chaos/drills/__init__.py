"""Drills: checks that do something to a running system first, each for one invariant."""
