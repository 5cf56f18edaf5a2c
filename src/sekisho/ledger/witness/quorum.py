"""The witnesses of one log, by its policy: a checkpoint is published once their quorum has cosigned it.

Implements `ledger.witnessing.Witnessing`. Every witness is asked at the same time; one that is slow or down costs the
others nothing, and is asked again later and later.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LedgerForked, LedgerUnavailable, StoreBehind
from sekisho.ledger.files import CHECKPOINT
from sekisho.ledger.witness.client import TIMEOUT_S, WitnessClient
from sekisho.ledger.witness.errors import WitnessesUnavailable, WitnessPolicyRefused
from sekisho.ledger.witnessing import NoWitnesses, Seen, Witnessing
from sekisho.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sekisho.tlog.merkle import EMPTY_ROOT
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.policy import MAX_POLICY_SIZE_BYTES, Policy, check_witnessed
from sekisho.tlog.tile import Tile
from sekisho.tlog.tile_tree import prove_consistency

# Once the quorum is there, the others get this long: more cosignatures serve more readers, and publication waits.
GRACE_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.5
# A witness that comes back is used again within this time.
_LONGEST_PAUSE_S: Final = 30.0
_AGAINST_THE_LOG: Final = (StoreBehind, LedgerForked)
_T = TypeVar("_T")


class PolicyWitnesses:
    """The witnesses that a policy names for one log. Called by one thread at a time (the log's publisher)."""

    def __init__(self, policy: Policy, *, folder: Path, signer: NoteSigner, timeout_s: float = TIMEOUT_S) -> None:
        """`folder`: the public folder of the log. Raises WitnessPolicyRefused or AddressRefused."""
        clients = [
            WitnessClient(witness, witness.url, timeout_s=timeout_s) for witness in policy.witnesses if witness.url
        ]
        _check_policy(policy, clients, signer)
        self._policy = policy
        self._folder = folder
        self._signer = signer
        self._seats = [_Seat(client) for client in clients]
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(clients)), thread_name_prefix="witness")

    def seen(self) -> Sequence[Seen]:
        """Return how large a tree each witness cosigned that answers; by themselves those must make the quorum.

        Two quorums of a sound policy share a witness, so the newest published checkpoint is among what they saw.
        Raises WitnessesUnavailable or LedgerUnavailable.
        """
        note = self._probe()
        checkpoint = open_checkpoint(note, self._signer.verifier)
        round_ = _Round(self._seats, self._pool, lambda client: client.latest_size(checkpoint, note))
        round_.wait_for_all()
        sizes = dict(round_.answers())
        self._require_quorum(sizes, round_)
        return [Seen(by=f"the witness {name!r}", size=size, root=None) for name, size in sizes.items()]

    def cosign(self, checkpoint: Checkpoint, note: bytes) -> bytes:
        """Return `note` with the cosignatures of the policy's quorum, and of who else answered in time.

        Steps: (1) ask all; (2) wait for the quorum, and a little for the others; (3) join; (4) check the whole as a
        reader will. Raises WitnessesUnavailable; StoreBehind or LedgerForked if a witness saw another history.
        """
        # (1)
        round_ = _Round(
            self._seats, self._pool, lambda client: client.cosign(checkpoint, note, self._prover(checkpoint))
        )
        # (2)
        round_.wait_until(self._policy.is_quorum)
        cosigned = dict(round_.answers())
        self._require_quorum(cosigned, round_)
        # (3) Each answer is the note and one witness's lines below it.
        joined = note + b"".join(answer[len(note) :] for answer in cosigned.values())
        # (4)
        check_witnessed(joined, self._policy, log=self._signer.verifier)
        return joined

    def close(self) -> None:
        """Let the connections go; requests that are under way end by themselves."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for seat in self._seats:
            seat.client.close()

    def _probe(self) -> bytes:
        """Return a signed note that says nothing new: the published checkpoint, or the empty tree.

        The empty tree is the beginning of every history, so signing it commits to none.
        """
        try:
            return (self._folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            empty = Checkpoint(origin=self._signer.verifier.name, size=0, root=EMPTY_ROOT)
            return sign_checkpoint(empty, self._signer)
        except OSError as error:
            raise LedgerUnavailable(f"{self._folder}: {error.strerror or error}") from error

    def _prover(self, checkpoint: Checkpoint) -> Callable[[int], tuple[bytes, ...]]:
        def read_tile(tile: Tile) -> bytes:
            return (self._folder / tile.path).read_bytes()

        def prove(old_size: int) -> tuple[bytes, ...]:
            return prove_consistency(old_size, checkpoint.size, read_tile)

        return prove

    def _require_quorum(self, answered: "dict[str, _T]", round_: "_Round[_T]") -> None:
        missing = self._policy.missing(answered)
        if missing:
            raise WitnessesUnavailable(f"the quorum lacks {missing}: {round_.troubles() or 'no answer yet'}")


class _Seat:
    """One witness and how it did. `_lock` guards the rest against the pool's thread that asks it."""

    def __init__(self, client: WitnessClient) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._is_busy = False
        self._pause_s = 0.0
        self._not_before = 0.0
        self._trouble = ""

    def try_take(self) -> bool:
        """Take the seat for one request, unless one is under way or the last one failed a moment ago."""
        with self._lock:
            if self._is_busy or time.monotonic() < self._not_before:
                return False
            self._is_busy = True
            return True

    def ask(self, question: Callable[[WitnessClient], _T]) -> _T:
        try:
            answer = question(self.client)
        except Exception as error:
            self._leave(error)
            raise
        self._leave(None)
        return answer

    @property
    def trouble(self) -> str:
        """Why the last request failed, for people; empty if it did not."""
        with self._lock:
            return self._trouble

    def _leave(self, error: Exception | None) -> None:
        # A witness that contradicts the log is up: asked again, it must say so again, not be found silent.
        is_up = error is None or isinstance(error, _AGAINST_THE_LOG)
        with self._lock:
            self._is_busy = False
            self._trouble = "" if error is None else _said(error)
            self._pause_s = 0.0 if is_up else min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._not_before = time.monotonic() + self._pause_s


@dataclass(frozen=True, slots=True)
class _Asked(Generic[_T]):
    name: str
    future: "Future[_T]"


class _Round(Generic[_T]):
    """One question to every witness that is free, all at the same time."""

    def __init__(
        self, seats: Sequence[_Seat], pool: ThreadPoolExecutor, question: Callable[[WitnessClient], _T]
    ) -> None:
        self._seats = seats
        self._asked = [
            _Asked(name=seat.client.name, future=pool.submit(seat.ask, question)) for seat in seats if seat.try_take()
        ]

    def wait_for_all(self) -> None:
        """Wait until every witness answered or failed, and raise what one says against the log."""
        wait([asked.future for asked in self._asked])
        self._raise_if_contradicted()

    def wait_until(self, is_enough: Callable[[list[str]], bool]) -> None:
        """Wait until enough witnesses answered, and a little longer; or until none is left to wait for."""
        pending = {asked.future for asked in self._asked}
        while pending and not is_enough([name for name, _ in self.answers()]):
            _, pending = wait(pending, return_when=FIRST_COMPLETED)
            self._raise_if_contradicted()
        wait(pending, timeout=GRACE_S)
        self._raise_if_contradicted()

    def answers(self) -> Iterator[tuple[str, _T]]:
        """Yield the name of each witness that answered, with its answer."""
        for asked in self._asked:
            if asked.future.done():
                with suppress(SekishoError, OSError):
                    yield asked.name, asked.future.result()

    def troubles(self) -> str:
        """Return why witnesses did not answer, for people."""
        return "; ".join(f"{seat.client.name}: {seat.trouble}" for seat in self._seats if seat.trouble)

    def _raise_if_contradicted(self) -> None:
        for asked in self._asked:
            error = asked.future.exception() if asked.future.done() else None
            if isinstance(error, _AGAINST_THE_LOG):
                raise error


@contextmanager
def open_witnesses(policy: Path, *, folder: Path, signer: NoteSigner) -> Iterator[Witnessing]:
    """Yield the witnesses that the file `policy` names, for the log of `signer` in `folder`; nobody without a file.

    Raises WitnessPolicyRefused, PolicyRefused or AddressRefused.
    """
    if not policy.exists():
        yield NoWitnesses()
        return
    witnesses = PolicyWitnesses(read_policy(policy), folder=folder, signer=signer)
    try:
        yield witnesses
    finally:
        witnesses.close()


def read_policy(path: Path) -> Policy:
    """Return the policy in the file at `path`, or raise WitnessPolicyRefused or PolicyRefused."""
    try:
        with path.open("rb") as file:
            return Policy.parse(file.read(MAX_POLICY_SIZE_BYTES + 1))
    except OSError as error:
        raise WitnessPolicyRefused(f"{path}: {error.strerror or error}") from error


def _check_policy(policy: Policy, clients: Sequence[WitnessClient], signer: NoteSigner) -> None:
    if policy.logs and signer.verifier not in [log.verifier for log in policy.logs]:
        raise WitnessPolicyRefused(f"the policy lists other logs than {signer.verifier.name}, or another key of it")
    missing = policy.missing([client.name for client in clients])
    if missing:
        raise WitnessPolicyRefused(f"the quorum lacks {missing}, even if all witnesses with an address cosign")


def _said(error: Exception) -> str:
    return error.message if isinstance(error, SekishoError) else f"{type(error).__name__}"
