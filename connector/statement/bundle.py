"""The bundle: all formats, the statement for machines, and the program that checks it offline."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone

from connector.statement.canonical import canonical, sha256
from connector.statement.making import Made
from connector.statement.packing import entry, sealed

FORMAT = "ml-connector-bundle/1"
VERIFIER = "verify_statement.py"
Writer = Callable[[BinaryIO], None]


def write(made: Made, formats: Mapping[str, Writer], out: BinaryIO) -> None:
    """Write the zip.

    Shapes: `formats` are file names with what writes each. Files are made one after the other.
    """
    archived = io.BytesIO()
    files: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(archived, "w") as archive:

        def put(name: str, data: bytes) -> None:
            files[name] = {"sha256": sha256(data), "bytes": len(data)}
            archive.writestr(entry(name), data)

        put("statement.json", canonical(made.statement.plain()))
        if made.changes is not None:
            put("changes.json", canonical(made.changes.plain()))
        for name, writer in formats.items():
            part = io.BytesIO()
            writer(part)
            put(name, part.getvalue())
        put(VERIFIER, (settings.BASE_DIR / VERIFIER).read_bytes())
        archive.writestr(entry("manifest.json"), canonical(_manifest(made, files)))
    out.write(sealed(archived.getvalue()))


def _manifest(made: Made, files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    manifest = {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "tenant": made.statement.tenant,
        "month": made.statement.month,
        "statement_sha256": files["statement.json"]["sha256"],
        "audit": {"last_sequence": made.audit_sequence, "last_hash": made.audit_hash},
        "files": files,
    }
    return manifest | {"manifest_sha256": sha256(canonical(manifest))}
