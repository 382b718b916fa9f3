"""FreshBooks: OAuth, accounting API, callbacks and their signatures."""
