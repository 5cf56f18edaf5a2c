"""Portable proofs of one entry: made from a log's files, checked by a stranger without log or network.

The proof is a C2SP tlog-proof. Its extra data is the entry itself, byte for byte: the one thing that the leaf hash is
made of, so one file is all that has to be handed on.
"""

from dataclasses import dataclass
from typing import ClassVar

from sekisho.core.errors import SekishoError
from sekisho.ledger.entries import EntryKind, decode_entry
from sekisho.ledger.errors import LogDamaged, NoSuchEntry
from sekisho.ledger.heads import locate_log
from sekisho.ledger.reading import read_key, read_note, read_tile, tile_reader
from sekisho.ledger.source import Source
from sekisho.tlog.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from sekisho.tlog.merkle import InclusionRefused, hash_leaf, verify_inclusion
from sekisho.tlog.note import KeyRefused, NoteRefused, NoteVerifier
from sekisho.tlog.policy import Policy, Witnessed
from sekisho.tlog.proof import Proof, check_proof, parse_proof
from sekisho.tlog.tile import TILE_WIDTH, Tile, TileRefused, parse_bundle
from sekisho.tlog.tile_tree import prove_inclusion


class ProofNeedsEntry(SekishoError):
    """The proof does not carry the entry that it is about."""

    code: ClassVar[str] = "SKS-LEDGER-026"
    hint = "Give the entry's bytes: --entry FILE."


class ProofFalse(SekishoError):
    """The proof does not show what it says."""

    code: ClassVar[str] = "SKS-LEDGER-027"
    exit_code: ClassVar[int] = 1
    hint = (
        "Accept nothing on it. An entry of a calls log is proven with --opening; else ask for a new proof, and check "
        "that charter and policy are the ones that you trust."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An entry that was shown to be at `index` in the log of `witnessed`'s checkpoint."""

    index: int
    entry: bytes
    witnessed: Witnessed


def prove_entry(root: Source, log: str | None, index: int) -> Proof:
    """Return the proof of the entry at `index` of the log called `log` at `root`.

    The key is the one beside the log: whose it is, is for whoever checks the proof. Steps: (1) the signed head; (2) the
    path from the tiles; (3) the entry; (4) the proof holds. Raises NoSuchLog, NoSuchEntry or LogDamaged.
    """
    _, source = locate_log(root, log)
    note = read_note(source) or b""
    try:
        # (1)
        head = open_checkpoint(note, read_key(source, None))
        if not 0 <= index < head.size:
            raise NoSuchEntry(f"no entry {index} in a log of {head.size}")
        # (2)
        path = prove_inclusion(index, head.size, tile_reader(source, head.size))
        # (3)
        entry = _read_entry(source, head, index)
        # (4)
        verify_inclusion(hash_leaf(entry), index, head.size, path, head.root)
    except (NoteRefused, CheckpointRefused, KeyRefused, TileRefused, InclusionRefused) as error:
        raise LogDamaged(f"{source.place}: {error.message}") from error
    return Proof(index=index, path=path, checkpoint=note, extra=entry)


def check_entry_proof(
    data: bytes,
    *,
    log: NoteVerifier | None,
    policy: Policy | None,
    entry: bytes | None = None,
    opening: bytes | None = None,
) -> Proven:
    """Return what the tlog-proof `data` proves, or raise ProofFalse.

    `log`: the pinned key of the decisions log, None if the policy lists the logs. `policy`: whose cosignatures the
    checkpoint needs, None for nobody's. `entry`: its bytes, if the proof does not carry them. `opening`: the proof of
    the decisions log's entry that opened this calls log, which names its key; the policy then is for that proof's
    checkpoint, and for this one's only if it lists the calls log. The caller MUST give `log`, or a policy that lists
    logs.
    """
    asked = policy or Policy(logs=(), witnesses=(), groups=(), quorum=None)
    try:
        if opening is not None:
            log = _opened_key(check_entry_proof(opening, log=log, policy=policy).entry)
            asked = asked if any(known.verifier == log for known in asked.logs) else _without_witnesses()
        proof = parse_proof(data)
        proven = proof.extra if entry is None else entry
        if proven is None:
            raise ProofNeedsEntry("the proof carries no entry")
        witnessed = check_proof(proof, proven, asked, log=log)
    except (ProofNeedsEntry, ProofFalse):
        raise
    except SekishoError as error:
        raise ProofFalse(error.message) from error
    return Proven(index=proof.index, entry=proven, witnessed=witnessed)


def _opened_key(entry: bytes) -> NoteVerifier:
    opening = decode_entry(entry)
    if opening.kind is not EntryKind.CALLS_LOG_OPENED:
        raise ProofFalse(f"the opening is an entry {opening.kind.value}, not {EntryKind.CALLS_LOG_OPENED.value}")
    return NoteVerifier.parse(str(opening.body["vkey"]))


def _without_witnesses() -> Policy:
    return Policy(logs=(), witnesses=(), groups=(), quorum=None)


def _read_entry(source: Source, head: Checkpoint, index: int) -> bytes:
    number, place = divmod(index, TILE_WIDTH)
    bundle = Tile(level=None, index=number, width=min(TILE_WIDTH, head.size - number * TILE_WIDTH))
    return parse_bundle(read_tile(source, bundle) or b"", bundle.width)[place]
