"""Tables of the connector, step by step."""
