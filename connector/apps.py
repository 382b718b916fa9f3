"""App configuration."""

from django.apps import AppConfig


class ConnectorConfig(AppConfig):
    name = "connector"
