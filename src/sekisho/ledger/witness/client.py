"""One witness, as a log asks it (C2SP tlog-witness v1.0.0). It is another party: what it answers is judged."""

from collections.abc import Callable
from typing import Final, TypeAlias

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LedgerForked, StoreBehind
from sekisho.ledger.http_post import Address, Answer, Poster
from sekisho.ledger.witness.errors import WitnessRefused
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.policy import Witness
from sekisho.tlog.witness import (
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    add_cosignatures,
    encode_add_checkpoint,
    parse_size_answer,
)

# Longer than a flush on a slow disk and a way round the world; a witness that is slower is left out of this round.
TIMEOUT_S: Final = 5.0
_PATH: Final = "/add-checkpoint"
_CONTENT_TYPE: Final = "text/plain; charset=utf-8"
# The size may change under our request once, by another process of this log; more often somebody plays with us.
_ATTEMPTS: Final = 3

# Returns the consistency path from an older size to the tree that is being published.
Prove: TypeAlias = Callable[[int], tuple[bytes, ...]]


class WitnessClient:
    """Asks one witness, and remembers what size it cosigned last. Not for several threads at once."""

    def __init__(self, witness: Witness, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._witness = witness
        self._poster = Poster(Address.parse(url), timeout_s=timeout_s)
        self._size = 0

    @property
    def name(self) -> str:
        return self._witness.name

    def latest_size(self, checkpoint: Checkpoint, note: bytes) -> int:
        """Return the size that the witness cosigned last for the log of `note`, a signed checkpoint that is public.

        A witness that has cosigned nothing cosigns `note`, and its size is returned. Raises PostFailed or
        WitnessRefused.
        """
        answer = self._post(AddCheckpoint(old_size=0, path=(), note=note))
        if answer.status == 200:
            self._take(note, answer)
            self._size = checkpoint.size
        elif (size := _size_in(answer)) is not None:
            self._size = size
        else:
            raise self._refused(answer)
        return self._size

    def cosign(self, checkpoint: Checkpoint, note: bytes, prove: Prove) -> bytes:
        """Return `note`, the signed `checkpoint`, with this witness's cosignature, verified.

        Raises PostFailed or WitnessRefused; StoreBehind if the witness cosigned a larger tree; LedgerForked if it
        cosigned one that ours does not begin with.
        """
        for _ in range(_ATTEMPTS):
            answer = self._post(AddCheckpoint(old_size=self._size, path=prove(self._size), note=note))
            if answer.status == 200:
                cosigned = self._take(note, answer)
                self._size = checkpoint.size
                return cosigned
            size = _size_in(answer)
            if self._is_of_another_tree(answer, size):
                raise LedgerForked(f"the witness {self.name!r} cosigned another tree of size {self._size}")
            if size is None:
                raise self._refused(answer)
            if size > checkpoint.size:
                raise StoreBehind(f"the witness {self.name!r} cosigned {size} entries; this log has {checkpoint.size}")
            self._size = size
        raise WitnessRefused(f"the witness {self.name!r} names another size each time")

    def close(self) -> None:
        self._poster.close()

    def _is_of_another_tree(self, answer: Answer, size: int | None) -> bool:
        """Say whether the witness denies that our tree begins with what it cosigned, of the size that it named."""
        # From size 0 there is nothing to deny: such an answer is a fault of the witness's.
        if self._size == 0 or answer.status not in (409, 422):
            return False
        return size is None or size == self._size

    def _post(self, request: AddCheckpoint) -> Answer:
        return self._poster.post(_PATH, encode_add_checkpoint(request), content_type=_CONTENT_TYPE)

    def _take(self, note: bytes, answer: Answer) -> bytes:
        try:
            return add_cosignatures(note, answer.body, (self._witness.verifier,))
        except SekishoError as error:
            raise WitnessRefused(
                f"the witness {self.name!r} answered no cosignature of its key: {error.message}"
            ) from error

    def _refused(self, answer: Answer) -> WitnessRefused:
        reason = answer.body[:120].decode("ascii", errors="replace").strip()
        return WitnessRefused(f"the witness {self.name!r} answered {answer.status}: {reason!r}")


def _size_in(answer: Answer) -> int | None:
    """Return the size that a 409 names, or None if it is not that answer. Raises WitnessRefused."""
    if answer.status != 409 or answer.content_type != SIZE_CONTENT_TYPE:
        return None
    try:
        return parse_size_answer(answer.body)
    except SekishoError as error:
        raise WitnessRefused(error.message) from error
