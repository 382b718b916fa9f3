"""What a caller orders from its guardian."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What the caller wants started."""

    ephemeral: bool
    data_dir: Path | None
    postgres_password: str
    valkey_password: str
    with_postgres: bool
    with_valkey: bool
    synced: bool = True
    """Whether a commit waits until it is on the disk, as it must wherever data are to last."""

    def to_json(self) -> str:
        """The order as the one line that the guardian reads first."""
        return json.dumps({**asdict(self), "data_dir": str(self.data_dir or "")})

    @classmethod
    def from_json(cls, line: str) -> "Order":
        """The order from that line."""
        words = json.loads(line)
        folder = Path(words["data_dir"]) if words["data_dir"] else None
        return cls(**{**words, "data_dir": folder})
