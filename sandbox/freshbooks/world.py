"""What every part of the simulator needs: book, clock, dice, switches, webhooks."""

import random
import uuid
from dataclasses import dataclass, field

from sandbox.core.clock import Clock
from sandbox.core.switches import Switches
from sandbox.core.webhooks import WebhookSender
from sandbox.freshbooks.book import Account, Book
from sandbox.freshbooks.money import MoneyRules
from sandbox.freshbooks.scopes import ALL_SCOPES
from sandbox.freshbooks.switches import SWITCHES

_ALPHANUMERIC = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


@dataclass
class App:
    """The one registered developer app."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ALL_SCOPES
    """Those ticked in the developer portal."""


@dataclass
class World:
    """Shared by all parts; `book` is replaced on reset."""

    clock: Clock
    webhooks: WebhookSender
    rng: random.Random
    app: App
    switches: Switches = field(default_factory=lambda: Switches(SWITCHES))
    book: Book = field(default_factory=Book)
    base_url: str = ""

    def __post_init__(self) -> None:
        self.money = MoneyRules(self.switches)
        self._default_app_scopes = self.app.scopes

    def reset(self) -> None:
        """Empty book, default switches, all scopes ticked."""
        self.book = Book()
        self.switches.reset()
        self.app.scopes = self._default_app_scopes

    def now(self) -> float:
        """Epoch seconds on the sandbox clock."""
        return self.clock.now()

    def next_id(self, account: Account, kind: str) -> int:
        """The next id of a kind: counted per account, or over all, as the switch says."""
        per_account = self.switches["ids"] == "per_account"
        counters = account.next_ids if per_account else self.book.global_ids
        number = counters[kind]
        counters[kind] = number + 1
        return number

    def new_uuid(self) -> str:
        """A random UUID from the seeded dice."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def word(self, length: int) -> str:
        """Random letters and digits."""
        return "".join(self.rng.choices(_ALPHANUMERIC, k=length))

    def hex(self, length: int) -> str:
        """Random hex digits."""
        return "".join(self.rng.choices("0123456789abcdef", k=length))
