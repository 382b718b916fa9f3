"""New token pairs between FreshBooks' answer and our commit: on disk, sealed, flushed, soon gone.

The answer to a refresh is the only copy of the new pair, and the old one is dead. So it is written
down before the database is asked: a worker that is killed, or cannot reach the database for longer
than it waits, leaves the pair to the next refresh on this machine, or to the next start of a worker.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings

from connector.vendors.freshbooks.records import TokenPair
from tenants.models import FreshBooksGrant

log = logging.getLogger(__name__)
_NAME = re.compile(r"(\d+)-\d+-[0-9a-f]+\.sealed", re.ASCII)


def keep(grant: FreshBooksGrant, pair: TokenPair) -> None:
    """Write the pair down for this generation of the grant. A disk that refuses is logged: the
    database is tried all the same.
    """
    content = {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "expires_at": pair.expires_at.isoformat(),
        "scopes": list(pair.scopes),
    }
    try:
        _write(_path(grant), _fernet().encrypt(json.dumps(content).encode()))
    except OSError as error:
        log.warning("a new FreshBooks token could not be spooled: %s", error.strerror)


def find(grant: FreshBooksGrant) -> TokenPair | None:
    """The pair that was answered for this generation and never saved, if there is one here."""
    try:
        content = json.loads(_fernet().decrypt(_path(grant).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, InvalidToken, ValueError) as error:
        log.warning("a spooled FreshBooks token cannot be read: %s", type(error).__name__)
        return None
    return TokenPair(
        access_token=content["access_token"],
        refresh_token=content["refresh_token"],
        expires_at=datetime.fromisoformat(content["expires_at"]),
        scopes=tuple(content["scopes"]),
    )


def forget(grant: FreshBooksGrant) -> None:
    """It is saved, or somebody else's newer pair is: take it away."""
    with suppress(OSError):  # it was never there, or its generation is spent and fits none
        _path(grant).unlink()


def spooled() -> Iterator[tuple[int, Path]]:
    """The grant and the file of each pair that lies here."""
    folder = _folder()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            yield int(match[1]), path


def _folder() -> Path:
    return Path(settings.TOKEN_SPOOL_DIR or settings.BASE_DIR / ".run" / "tokens")


def _path(grant: FreshBooksGrant) -> Path:
    """Named after the token that was spent: a pair of another database of this machine fits none."""
    spent = hashlib.sha256(grant.refresh_token.encode()).hexdigest()[:16]
    return _folder() / f"{grant.pk}-{grant.generation}-{spent}.sealed"


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, for this user only, flushed to the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its mode
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _fernet() -> Any:
    """The keys that seal the same tokens in the database."""
    return FreshBooksGrant._meta.get_field("refresh_token_sealed").fernet  # type: ignore[union-attr]  # noqa: SLF001
