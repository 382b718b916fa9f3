"""What goes wrong with the private services."""


class EmbeddedError(Exception):
    """A private service could not be started, reached or controlled; the message says what to do."""
