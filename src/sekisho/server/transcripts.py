"""The office's acts on the content of calls: handing out a sealed transcript, and erasing. Each is an entry first.

Content lies with the gate that carried the call. The office asks the gate where a call is, puts the act on record in
the decisions log, and then the gate does it. Every erasure there is goes to a gate each time it connects, so nothing is
left over by a crash of either, and a gate that was put back from a backup forgets again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from sekisho.api.interfaces import ErasedCall, ReleasedTranscript
from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.ledger import Entry, EntryKind
from sekisho.registry.text import check_statement

# An answer comes from memory and a few reads; a gate whose disk hangs answers that it failed, after five seconds.
ASK_TIMEOUT_S = 8.0
# The office's credential is the only one there is yet.
_OFFICE = "office"


class GateLinkAsks(Protocol):
    """What this uses of `GateLink`."""

    def slots(self) -> tuple[str, ...]:
        """Return the slots of the gates that are connected."""
        ...

    def ask(self, slot: str, what: Mapping[str, object], *, timeout_s: float) -> Mapping[str, jcs.Json]:
        """Return the gate's answer, or raise GateSilent."""
        ...


class CallUnknown(SekishoError):
    """No connected gate has a call of this request id."""

    code: ClassVar[str] = "SKS-SERVER-109"
    hint = "Take the request id from the call's answer (sekisho-request-id) or from the calls log; the gate must be up."


class CallNotOver(SekishoError):
    """The call is under way, or its outcome is not in the ledger yet."""

    code: ClassVar[str] = "SKS-SERVER-110"
    hint = "Wait until the call has ended and its outcome is in the calls log, then try again."


class ContentAbsent(SekishoError):
    """There is no sealed transcript of this call: none was kept, or it was erased."""

    code: ClassVar[str] = "SKS-SERVER-111"
    hint = "`sekisho transcript list` says which calls were sealed, and which of them were erased."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    slot: str
    request_id: str
    intent_index: int
    sealed_sha256: str | None

    @property
    def log(self) -> str:
        return f"calls/{self.slot}"


class TranscriptOffice:
    """Fills `sekisho.api.interfaces.Transcripts`. Thread-safe: `record` is, and `_erased` only grows.

    `record` appends to the decisions log: kind, body and key; it returns the entry's index, the first one's if the log
    has the key.
    """

    def __init__(
        self, link: GateLinkAsks, *, record: Callable[[EntryKind, dict[str, jcs.Json], str | None], int]
    ) -> None:
        self._link = link
        self._record = record
        self._erased: dict[str, dict[str, int]] = {}  # log → request id → index of the entry that erased it

    def learn(self, index: int, entry: Entry) -> None:
        """Take in the entry of the decisions log at `index`."""
        if entry.kind is EntryKind.TRANSCRIPT_ERASED:
            self._erased.setdefault(str(entry.body["log"]), {})[str(entry.body["request_id"])] = index

    def erased_at(self, slot: str) -> tuple[str, ...]:
        """Return the request ids of all calls of the gate `slot` whose content is erased."""
        return tuple(self._erased.get(f"calls/{slot}", {}))

    def erase(self, request_ids: Sequence[str], *, basis: str) -> tuple[ErasedCall, ...]:
        """Erase the content of the calls `request_ids`, all or none of them recorded.

        Steps: (1) the basis; (2) every call is there and over; (3) each erasure is on record; (4) the gates destroy.
        A call that was erased before keeps its first entry. Raises TextRefused, CallUnknown, CallNotOver or GateSilent
        before anything is recorded.
        """
        # (1)
        check_statement(basis)
        # (2)
        found = self._locate(request_ids)
        # (3)
        indexes = {call.request_id: self._record_erasure(call, basis) for call in found}
        # (4)
        done = {slot: self._destroy(slot, [call for call in found if call.slot == slot]) for slot in self._slots(found)}
        return tuple(
            ErasedCall(
                request_id=call.request_id, log=call.log, index=indexes[call.request_id], is_destroyed=done[call.slot]
            )
            for call in found
        )

    def release(self, request_id: str, *, requested_by: str, basis: str) -> ReleasedTranscript:
        """Put on record that the transcript of `request_id` is handed out, and say which file it is.

        Raises TextRefused, CallUnknown, CallNotOver, ContentAbsent or GateSilent; then nothing is recorded.
        """
        check_statement(basis)
        check_statement(requested_by)
        (call,) = self._locate([request_id])
        if call.sealed_sha256 is None or request_id in self._erased.get(call.log, {}):
            raise ContentAbsent(f"no sealed transcript of {request_id} is kept")
        body = {**_body(call), "sealed_sha256": call.sealed_sha256, "requested_by": requested_by, "basis": basis}
        index = self._record(EntryKind.TRANSCRIPT_UNSEALED, body, None)
        return ReleasedTranscript(
            request_id=request_id, log=call.log, slot=call.slot, index=index, sealed_sha256=call.sealed_sha256
        )

    def _locate(self, request_ids: Sequence[str]) -> tuple[_Found, ...]:
        found: dict[str, _Found] = {}
        for slot in self._link.slots():
            told = self._link.ask(slot, {"locate": list(request_ids)}, timeout_s=ASK_TIMEOUT_S)
            for call in _calls(slot, told):
                # A gate is asked about some calls, and has no say about others.
                if call.found.request_id not in request_ids:
                    continue
                if not call.is_over:
                    raise CallNotOver(f"{call.found.request_id} is under way")
                found[call.found.request_id] = call.found
        for request_id in request_ids:
            if request_id not in found:
                raise CallUnknown(f"no connected gate has a call {request_id[:40]!r}")
        return tuple(found.values())

    def _record_erasure(self, call: _Found, basis: str) -> int:
        sealed: dict[str, jcs.Json] = {} if call.sealed_sha256 is None else {"sealed_sha256": call.sealed_sha256}
        body = {**_body(call), **sealed, "erased_by": _OFFICE, "basis": basis}
        return self._record(EntryKind.TRANSCRIPT_ERASED, body, f"transcript-erased/{call.log}/{call.request_id}")

    def _destroy(self, slot: str, calls: Sequence[_Found]) -> bool:
        """Have the gate destroy; what it does not do now it does by itself, or when it connects again."""
        try:
            told = self._link.ask(slot, {"erase": [call.request_id for call in calls]}, timeout_s=ASK_TIMEOUT_S)
        except SekishoError:
            return False
        return told.get("erased") is True

    @staticmethod
    def _slots(found: Sequence[_Found]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(call.slot for call in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    found: _Found
    is_over: bool


def _calls(slot: str, told: Mapping[str, jcs.Json]) -> tuple[_Told, ...]:
    """Return the calls that a gate's answer names, or raise CallUnknown for an answer that is none."""
    calls = told.get("calls")
    if not isinstance(calls, list):
        raise CallUnknown("the gate could not look the call up", hint="Try again; its log shows what is wrong.")
    return tuple(_read_call(slot, call) for call in calls)


def _read_call(slot: str, call: jcs.Json) -> _Told:
    fields = call if isinstance(call, Mapping) else {}
    request_id, index, digest = (fields.get(name) for name in ("request_id", "intent_index", "sealed_sha256"))
    if not isinstance(request_id, str) or type(index) is not int or not isinstance(digest, str | None):
        raise CallUnknown("the gate's answer is not one", hint="Run gate and control plane from the same release.")
    found = _Found(slot=slot, request_id=request_id, intent_index=index, sealed_sha256=digest)
    return _Told(found=found, is_over=fields.get("is_over") is True)


def _body(call: _Found) -> dict[str, jcs.Json]:
    return {"request_id": call.request_id, "log": call.log, "intent_index": call.intent_index}
