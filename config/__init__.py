"""How the project runs: settings, URLs, the Celery app, and private services for development.

Imports nothing: `config.embedded` and `config.supervise` must start fast and light.
"""
