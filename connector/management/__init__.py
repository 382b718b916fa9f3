"""Django management."""
