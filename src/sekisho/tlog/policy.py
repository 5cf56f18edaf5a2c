"""Trust policies (C2SP tlog-policy): which logs and witnesses are known, and whose cosignatures make a quorum.

Read strictly, as octets. A policy that is understood by half would pass checkpoints that its author refuses, so an
unknown line, a key of another kind or a second reading of any line refuses the whole file.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.tlog.checkpoint import Checkpoint, CheckpointRefused, parse_checkpoint
from sekisho.tlog.cosignature import CosignatureVerifier, verify_cosignatures
from sekisho.tlog.note import KeyRefused, Note, NoteVerifier, lines_of, parse_note

# Room for a hundred ML-DSA-44 witnesses; a bound on the keys that are checked before anybody is trusted.
MAX_POLICY_SIZE_BYTES: Final = 262_144
# Logs, witnesses and groups, of each kind. The specification asks for at least 32; a note has at most 100 signatures.
MAX_OF_A_KIND: Final = 100
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_URL = re.compile(r"https?://[^/]", re.ASCII)
_NONE: Final = "none"


class PolicyRefused(SekishoError):
    """The bytes are not a trust policy."""

    code: ClassVar[str] = "SKS-TLOG-009"
    hint = "Correct the line that the message names; the format is C2SP tlog-policy."


class PolicyUnmet(SekishoError):
    """The checkpoint is not signed by a log of the policy, or lacks cosignatures that its quorum asks for."""

    code: ClassVar[str] = "SKS-TLOG-010"
    hint = "Ask the log for a checkpoint with the cosignatures that the message names; accept nothing until then."


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLog:
    """A known log. The name of its key is the log's origin."""

    verifier: NoteVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A known witness under the name that the policy gives it, which means nothing elsewhere."""

    name: str
    verifier: CosignatureVerifier
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Counts as witnessing if at least `threshold` of its `members`, witnesses or earlier groups, do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """That the witness `name` of a policy cosigned, at `time_s` in POSIX seconds; 0 says nothing of when."""

    name: str
    time_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A checkpoint that met a policy, and every known witness that cosigned it, in the order of the policy.

    `note` is the signed note: evidence, should another head of this log turn up.
    """

    checkpoint: Checkpoint
    cosigned: tuple[Cosigned, ...]
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who must have signed a checkpoint. `quorum` names a witness or group; None asks for no cosignature.

    Names are octets, held as UTF-8 with surrogate escapes.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    @classmethod
    def parse(cls, data: bytes) -> "Policy":
        """Return the policy that `data` says, or raise PolicyRefused naming the line."""
        if len(data) > MAX_POLICY_SIZE_BYTES:
            raise PolicyRefused(f"{len(data)} bytes, more than {MAX_POLICY_SIZE_BYTES}")
        if _FORBIDDEN.search(data):
            raise PolicyRefused("a control character other than tab and newline")
        if not data.endswith(b"\n"):
            raise PolicyRefused("the last line does not end in a newline")
        reader = _Reader()
        for number, line in enumerate(data[:-1].decode("utf-8", "surrogateescape").split("\n"), start=1):
            try:
                reader.read(line)
            except (PolicyRefused, KeyRefused) as error:
                raise PolicyRefused(f"line {number}: {error.args[0]}") from error
        return reader.policy()

    def is_quorum(self, cosigned_by: Collection[str]) -> bool:
        """Say whether the witnesses of these names make the quorum."""
        return not self.missing(cosigned_by)

    def missing(self, cosigned_by: Collection[str]) -> str:
        """Return what the quorum lacks, for people: `1 of ('X2', 'X3')`, nested as groups are; empty if nothing."""
        witnessing = self._witnessing(cosigned_by)
        return "" if self.quorum is None or self.quorum in witnessing else self._lack(self.quorum, witnessing)

    def _witnessing(self, cosigned_by: Collection[str]) -> set[str]:
        # A group refers to earlier lines only, so one pass in the order of the file settles all of them.
        witnessing = {witness.name for witness in self.witnesses if witness.name in cosigned_by}
        for group in self.groups:
            if sum(member in witnessing for member in group.members) >= group.threshold:
                witnessing.add(group.name)
        return witnessing

    def _lack(self, name: str, witnessing: set[str]) -> str:
        for group in self.groups:
            if group.name == name:
                absent = [member for member in group.members if member not in witnessing]
                count = group.threshold - (len(group.members) - len(absent))
                return f"{count} of ({', '.join(self._lack(member, witnessing) for member in absent)})"
        return _shown(name)


def check_witnessed(note: bytes, policy: Policy, *, log: NoteVerifier | None = None) -> Witnessed:
    """Return the checkpoint in `note` if a log of `policy` signed it and its cosigners make the quorum.

    `log`: the one log that it must be, where that is known from elsewhere; a policy that lists logs must list it
    too. Steps: (1) one parse of the note and its checkpoint; (2) a known log, named for the origin, signed; (3) each
    cosignature of a known witness is true; (4) they make the quorum. Raises NoteRefused, CheckpointRefused,
    CosignatureRefused, KeyRefused or PolicyUnmet, which names what is missing.
    """
    # (1)
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    # (2)
    _require_log_signed(parsed, checkpoint, _logs_to_take(policy, log))
    # (3) One key stands under one name only, so no key counts twice.
    times_s = verify_cosignatures(parsed, tuple(witness.verifier for witness in policy.witnesses))
    cosigned = tuple(
        Cosigned(name=witness.name, time_s=times_s[witness.verifier])
        for witness in policy.witnesses
        if witness.verifier in times_s
    )
    # (4)
    missing = policy.missing([witness.name for witness in cosigned])
    if missing:
        raise PolicyUnmet(f"the quorum lacks {missing}")
    return Witnessed(checkpoint=checkpoint, cosigned=cosigned, note=note)


def _logs_to_take(policy: Policy, log: NoteVerifier | None) -> tuple[NoteVerifier, ...]:
    listed = tuple(known.verifier for known in policy.logs)
    if log is None:
        return listed
    if listed and log not in listed:
        raise PolicyUnmet(f"the policy does not list the log {log.name[:80]!r}")
    return (log,)


def _require_log_signed(note: Note, checkpoint: Checkpoint, logs: tuple[NoteVerifier, ...]) -> None:
    lines = lines_of(note, logs)
    for verifier, line in lines:
        verifier.verify(note.text, line)
    if not lines:
        raise PolicyUnmet(f"no log that is trusted signed this checkpoint of {checkpoint.origin[:80]!r}")
    # A key that is named for one log must not vouch for another.
    if all(verifier.name != checkpoint.origin for verifier, _ in lines):
        raise CheckpointRefused(f"the origin is {checkpoint.origin[:80]!r}, the key has another name")


@dataclass(slots=True)
class _Reader:
    """Reads a policy line by line. `free`: defined names that no group has as a member yet."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    free: set[str] = field(default_factory=set)
    log_keys: set[bytes] = field(default_factory=set)
    witness_keys: set[bytes] = field(default_factory=set)

    def read(self, line: str) -> None:
        # Only space and tab part items; str.split() would also take what is white space in Unicode.
        items = [item for item in re.split(r"[ \t]+", line) if item]
        if not items or items[0].startswith("#"):
            return
        kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        kind = kinds.get(items[0])
        if kind is None:
            raise PolicyRefused(f"no line begins with {_shown(items[0])}")
        kind(items[1:])
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > MAX_OF_A_KIND:
            raise PolicyRefused(f"more than {MAX_OF_A_KIND} lines of one kind")

    def policy(self) -> Policy:
        if not self.quorum:
            raise PolicyRefused("no quorum line")
        return Policy(
            logs=tuple(self.logs),
            witnesses=tuple(self.witnesses),
            groups=tuple(self.groups),
            quorum=None if self.quorum[0] == _NONE else self.quorum[0],
        )

    def _log(self, items: list[str]) -> None:
        if not 1 <= len(items) <= 2:
            raise PolicyRefused("a log line has a key and at most a URL")
        verifier = NoteVerifier.parse(items[0])
        if verifier.public_key in self.log_keys:
            raise PolicyRefused("the public key is another log's")
        self.log_keys.add(verifier.public_key)
        self.logs.append(PolicyLog(verifier=verifier, url=_url(items[1:])))

    def _witness(self, items: list[str]) -> None:
        if not 2 <= len(items) <= 3:
            raise PolicyRefused("a witness line has a name, a key and at most a URL")
        verifier = CosignatureVerifier.parse(items[1])
        # By key, not by name or key id: else one party that has two names would count as two.
        if verifier.public_key in self.witness_keys:
            raise PolicyRefused("the public key is another witness's")
        self.witness_keys.add(verifier.public_key)
        self._define(items[0])
        self.witnesses.append(Witness(name=items[0], verifier=verifier, url=_url(items[2:])))

    def _group(self, items: list[str]) -> None:
        if len(items) < 3:
            raise PolicyRefused("a group line has a name, all, any or a number, and members")
        name, threshold, *members = items
        for member in members:
            if member not in self.free:
                raise PolicyRefused(f"{_shown(member)} is not defined above, or is a member of a group already")
            self.free.remove(member)
        self.groups.append(Group(name=name, threshold=_threshold(threshold, len(members)), members=tuple(members)))
        self._define(name)

    def _quorum(self, items: list[str]) -> None:
        if len(items) != 1:
            raise PolicyRefused("a quorum line has one name")
        if self.quorum:
            raise PolicyRefused("a second quorum line")
        if items[0] != _NONE and items[0] not in self.names:
            raise PolicyRefused(f"{_shown(items[0])} is not defined above")
        self.quorum.append(items[0])

    def _define(self, name: str) -> None:
        if name == _NONE or name in self.names:
            raise PolicyRefused(f"the name {_shown(name)} is taken")
        self.names.add(name)
        self.free.add(name)


def _threshold(text: str, members: int) -> int:
    if text in {"any", "all"}:
        return 1 if text == "any" else members
    if not _THRESHOLD.fullmatch(text) or int(text) > members:
        raise PolicyRefused(f"a threshold is any, all or a number from 1 to {members}")
    return int(text)


def _url(items: list[str]) -> str | None:
    if items and not _URL.match(items[0]):
        raise PolicyRefused(f"{_shown(items[0])} is no http or https URL")
    return items[0] if items else None


def _shown(name: str) -> str:
    return repr(name[:80])
