"""App configuration."""

from django.apps import AppConfig


class ConnectorConfig(AppConfig):
    """Registers the models and the admin."""

    name = "connector"
