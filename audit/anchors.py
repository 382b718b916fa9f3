"""Copies of the chains' heads outside the database.

Whoever may change the database can rewrite a whole chain and its head, or cut the end of both, and
the chain alone would not show it. So the head of each chain that grows is written to a file, and to
the log, every ten minutes or thousand entries. `verify_audit` compares the chains with that file.
"""

from __future__ import annotations

import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from django.db.models import F, Q
from django.utils import timezone

from audit.models import AuditChain

log = logging.getLogger(__name__)
EVERY_ENTRIES = 1000
EVERY = timedelta(minutes=10)
MOST_AT_ONCE = 5000


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """One line of the file: what the last entry of a chain was at some moment."""

    tenant: int
    sequence: int
    hash: str
    at: str


class BadAnchors(ValueError):
    """The file holds something else than anchors."""


def anchor_heads(path: str) -> int:
    """Write down the heads of the chains that have grown; answer how many.

    Inside a transaction with a scope over every tenant. Without a path they go to the log only. An
    OSError means that nothing counts as anchored.
    """
    now = timezone.now()
    grown = AuditChain.objects.select_for_update(skip_locked=True).filter(
        Q(anchored_at__isnull=True)
        | Q(anchored_at__lt=now - EVERY)
        | Q(last_sequence__gte=F("anchored_sequence") + EVERY_ENTRIES),
        last_sequence__gt=F("anchored_sequence"),
    )
    chains = list(grown.order_by("pk")[:MOST_AT_ONCE])
    anchors = [
        Anchor(
            tenant=chain.tenant_id,
            sequence=chain.last_sequence,
            hash=chain.last_hash,
            at=now.isoformat(timespec="seconds"),
        )
        for chain in chains
    ]
    if path and anchors:
        _append(Path(path), anchors)
    for chain, anchor in zip(chains, anchors, strict=True):
        log.info("audit chain anchored", extra=asdict(anchor))
        chain.anchored_sequence, chain.anchored_at = chain.last_sequence, now
    AuditChain.objects.bulk_update(chains, ["anchored_sequence", "anchored_at"])
    return len(chains)


def read_anchors(paths: Iterable[Path]) -> dict[int, dict[int, str]]:
    """By tenant: the hash that the entry of each anchored sequence must have.

    Raises: BadAnchors if a line is no anchor, or two lines contradict each other.
    """
    anchors: dict[int, dict[int, str]] = defaultdict(dict)
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            try:
                anchor = Anchor(**json.loads(line))
            except (TypeError, ValueError) as error:
                raise BadAnchors(f"{path}, line {number}: not an anchor") from error
            known = anchors[anchor.tenant].setdefault(anchor.sequence, anchor.hash)
            if known != anchor.hash:
                raise BadAnchors(
                    f"{path}, line {number}: entry {anchor.sequence} of tenant {anchor.tenant} was "
                    "anchored before with another hash"
                )
    return dict(anchors)


def _append(path: Path, anchors: Iterable[Anchor]) -> None:
    """Whole lines, on disk before anybody relies on them."""
    text = "".join(json.dumps(asdict(anchor)) + "\n" for anchor in anchors)
    with path.open("a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
