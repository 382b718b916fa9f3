"""The bundle: all formats, the statement for machines, and the program that checks it offline."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone

from audit.models import AuditChain
from connector.statement.canonical import canonical, sha256
from connector.statement.making import Made
from connector.statement.packing import entry, sealed

FORMAT = "ml-connector-bundle/1"
VERIFIER = "verify_statement.py"
Writer = Callable[[BinaryIO], None]


def write(made: Made, formats: Mapping[str, Writer], out: BinaryIO) -> None:
    """Write the zip. Inside the tenant's scope: the head of its audit chain is named in it.

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
    head = AuditChain.objects.filter(tenant_id=made.tenant_id).first()
    manifest = {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "tenant": made.statement.tenant,
        "month": made.statement.month,
        "statement_sha256": files["statement.json"]["sha256"],
        "audit": {
            "last_sequence": head.last_sequence if head else 0,
            "last_hash": head.last_hash if head else "",
        },
        "files": files,
    }
    return manifest | {"manifest_sha256": sha256(canonical(manifest))}
