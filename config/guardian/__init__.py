"""The process that owns a private PostgreSQL and Valkey; started by `config.embedded`.

Uses the standard library only, because it starts with every test run and stays in memory.
"""
