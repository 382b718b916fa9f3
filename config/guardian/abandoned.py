"""Clearing away what killed ephemeral runs left behind."""

import os
from pathlib import Path

from config.guardian import folders
from config.guardian.errors import EmbeddedError
from config.guardian.postgres import Postgres
from config.guardian.processes import ServerUser
from config.guardian.valkey import Valkey


def remove_abandoned(beside: Path, user: ServerUser) -> None:
    """Stop and remove what ephemeral runs left behind that were killed with their guardian."""
    for folder in folders.abandoned_folders(beside):
        try:
            lock = folders.take_lock(folder)
        except (EmbeddedError, OSError):
            continue
        Postgres(folder, folder / "postgres", folder / "log", user).stop_left_over()
        Valkey(folder, folder / "valkey", folder / "log", user, "").stop_left_over()
        folders.remove(folder)
        os.close(lock)
