"""Stripe: API client on the official package, events and their signatures."""
