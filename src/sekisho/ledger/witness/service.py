"""The witness without HTTP: a request's body in, an answer out (C2SP tlog-witness v1.0.0).

It answers only if the new head extends the one cosigned last, and records the head before it signs. What it refuses
because the log signed two heads that nobody has reconciled it keeps as evidence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from sekisho.core.clock import Clock
from sekisho.core.errors import SekishoError
from sekisho.ledger.witness.errors import ClockBehind, RecordUnavailable
from sekisho.ledger.witness.evidence import Evidence, EvidenceFolder
from sekisho.ledger.witness.head_record import CosignedHead, HeadRecord
from sekisho.tlog.checkpoint import Checkpoint
from sekisho.tlog.cosignature import CosignatureSigner
from sekisho.tlog.note import NoteVerifier, open_note
from sekisho.tlog.witness import (
    SIZE_CONTENT_TYPE,
    AddCheckpoint,
    AddCheckpointRefused,
    HistoryRefused,
    KnownHead,
    OldSizeConflict,
    judge_add_checkpoint,
    parse_add_checkpoint,
)

TEXT: Final = "text/plain; charset=utf-8"

# Called with the origin and the file of evidence that was kept, or None if there is no room for more.
OnFork: TypeAlias = Callable[[str, Path | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """What goes back: an HTTP status, a body and its content type."""

    status: int
    body: bytes
    content_type: str = TEXT


class WitnessService:
    """One witness. Safe to use from many threads: the record orders the requests."""

    def __init__(
        self,
        *,
        signers: Sequence[CosignatureSigner],
        logs: Mapping[str, tuple[NoteVerifier, ...]],
        record: HeadRecord,
        evidence: EvidenceFolder,
        clock: Clock,
        on_fork: OnFork,
    ) -> None:
        record.check_keys(signer.verifier.vkey for signer in signers)
        self._signers = tuple(signers)
        self._logs = logs
        self._record = record
        self._evidence = evidence
        self._clock = clock
        self._on_fork = on_fork

    def introduce(self) -> bytes:
        """Return who this witness is, for people and for policies: its keys, one a line."""
        return "".join(f"{signer.verifier.vkey}\n" for signer in self._signers).encode()

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Return the answer to an `add-checkpoint` request.

        Steps: (1) the request is well-formed; (2) in one transaction, it extends what was cosigned last, and becomes
        that; (3) only then is it signed. A refusal has the status that the specification asks for.
        """
        try:
            # (1)
            request = parse_add_checkpoint(body)
            # (2)
            time_s = self._advance(request)
        except AddCheckpointRefused as error:
            return _refusal(error)
        except (RecordUnavailable, ClockBehind) as error:
            return WitnessAnswer(status=503, body=f"{error.message}\n".encode())
        # (3)
        text = request.note[: request.note.rindex(b"\n\n") + 1].decode()
        lines = "".join(signer.sign(text, time_s=time_s) for signer in self._signers)
        return WitnessAnswer(status=200, body=lines.encode())

    def _advance(self, request: AddCheckpoint) -> int:
        checkpoint = request.checkpoint
        verifiers = self._logs.get(checkpoint.origin, ())

        def judge(known: CosignedHead | None) -> Checkpoint:
            try:
                return judge_add_checkpoint(request, verifiers, KnownHead() if known is None else known.head)
            except (HistoryRefused, OldSizeConflict) as error:
                # Both come after the log's signature was verified; another old size alone is how a log asks.
                if known is not None and (isinstance(error, HistoryRefused) or _is_fork(checkpoint, known)):
                    self._keep_evidence(known, request, verifiers)
                raise

        return self._record.advance(checkpoint.origin, request.note, judge, self._clock)

    def _keep_evidence(self, known: CosignedHead, request: AddCheckpoint, verifiers: Sequence[NoteVerifier]) -> None:
        verifier = _signer_of_both(known.note, request.note, verifiers)
        if verifier is None:
            return
        evidence = Evidence(vkey=verifier.vkey, first=known.note, second=request.note, seen_at=self._clock.now())
        kept = self._evidence.keep(evidence)
        if _is_fork(request.checkpoint, known):
            self._on_fork(known.origin, kept)


def _is_fork(checkpoint: Checkpoint, known: CosignedHead) -> bool:
    return checkpoint.size == known.head.size and checkpoint.root != known.head.root


def _signer_of_both(first: bytes, second: bytes, verifiers: Sequence[NoteVerifier]) -> NoteVerifier | None:
    """Return the key of the log that signed both notes; a log that changed its key in between has none."""
    for verifier in verifiers:
        try:
            open_note(first, (verifier,))
            open_note(second, (verifier,))
        except SekishoError:
            continue
        return verifier
    return None


def _refusal(error: AddCheckpointRefused) -> WitnessAnswer:
    if isinstance(error, OldSizeConflict):
        return WitnessAnswer(status=error.status, body=error.body, content_type=SIZE_CONTENT_TYPE)
    return WitnessAnswer(status=error.status, body=f"{error.message}\n".encode())
