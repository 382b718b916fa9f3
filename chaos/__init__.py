"""The chaos run: business goes on while everything around it fails; then the books are checked.

A development package like `bench` and `demo`: the product never imports it. Tier 1 is
`chaos.deterministic` (one process, a seeded scheduler), tier 2 is `chaos.processes` (real processes,
real signals). Both end in the checkers of `chaos.invariants`.
"""
