"""Stand-ins for FreshBooks and Stripe, for development, demonstrations and tests.

Stands alone: imports nothing of the product, and nothing of the product imports it.
Run `python -m sandbox --help`.
"""
