"""A simulated Stripe at one pinned API version. The endpoint is `simulator.StripeSimulator`."""
