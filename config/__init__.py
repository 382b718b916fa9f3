"""How the project runs: settings, URLs, the Celery app, and private services for development."""
