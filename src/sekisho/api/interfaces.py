"""What the API asks of the process that hosts it. `server/` fills it in."""

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedCall:
    """A call whose content is erased. `index`: of the entry; `is_destroyed`: the gate has said that it is gone."""

    request_id: str
    log: str
    index: int
    is_destroyed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedTranscript:
    """A sealed transcript that may leave the folder of the gate `slot`. `index`: of the entry that says so."""

    request_id: str
    log: str
    slot: str
    index: int
    sealed_sha256: str


class Transcripts(Protocol):
    """The office's acts on the content of calls."""

    def erase(self, request_ids: Sequence[str], *, basis: str) -> tuple[ErasedCall, ...]:
        """Erase the content of calls; each is an entry first."""
        ...

    def release(self, request_id: str, *, requested_by: str, basis: str) -> ReleasedTranscript:
        """Put on record that a sealed transcript is handed out."""
        ...


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

    @property
    def transcripts(self) -> Transcripts:
        """The acts on the content of calls."""
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
