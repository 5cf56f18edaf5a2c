"""What the API asks of the process that hosts it. `server/` fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from sekisho.access import Snapshot
from sekisho.core import Clock, IdSource
from sekisho.disclosure.notice import Issuer as NoticeIssuer
from sekisho.disclosure.publisher import Publisher
from sekisho.trust import Charter

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[T]):
    """An act that is durable: its value, its entries in the decisions log, and where it is in force.

    `in_force_ms`: gate slot → milliseconds from durable to applied, None where a gate has not answered yet.
    """

    value: T
    indexes: tuple[int, ...]
    in_force_ms: dict[str, float | None]


class Office(Protocol):
    """The control plane as its API sees it."""

    clock: Clock
    ids: IdSource

    @property
    def charter(self) -> Charter:
        """The pinned charter; raises NoCharter before there is one."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """What gates were told last."""
        ...

    def pin(self, envelope: bytes) -> Done[Charter]:
        """Pin the first charter, or put its refusal on record and raise it."""
        ...

    def act(self, change: Callable[[Session], T]) -> Done[T]:
        """Run `change` in one transaction, log its entries, tell the gates; return when durable and told."""
        ...

    def check_ready(self) -> None:
        """Raise unless an act could be done and told now."""
        ...

    def read(self, question: Callable[[Session], T]) -> T:
        """Answer `question` from one consistent state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Who issues notices, and how a notice reaches its recipient."""

    issuer: NoticeIssuer
    publisher: Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The token endpoint's identity: its address, its key, and the gate that tokens are for."""

    issuer: str
    key: Ed25519PrivateKey
    audience: Callable[[], str]
