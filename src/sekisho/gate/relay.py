"""Steps 9 and 10: the call is with the lab. Its answer is watched as it passes, and never looks whole unless it is.

A stream passes frame by frame. What arrives together with the lab's end, and the last chunk of every stream, are held:
they are released when the outcome is in the ledger, and so is every answer in one piece.
"""

import json
from dataclasses import dataclass, field, replace

from sekisho.core import Reason
from sekisho.gate import answers, limits
from sekisho.gate.connection import CallerConnection
from sekisho.gate.forward import CredentialWatch, pick_fields
from sekisho.gate.lab import LabConnection
from sekisho.gate.lab_answer import AnswerEnd, AnswerHead, AnswerPart
from sekisho.gate.lifeline import CutShort, Lifeline
from sekisho.gate.transcripts import CallTranscript, NotKept
from sekisho.labs import Answer, AnswerReader, Call, LabGarbled, require_content_type
from sekisho.ledger import Committer

# The ways to be cut short after which an answer that the lab had finished is whole all the same: a client that has
# read the closing mark hangs up, and some labs do so without ending their message.
_HARMLESS_AFTER_THE_END = frozenset({Reason.CALLER_LEFT, Reason.LAB_BROKE_OFF, Reason.LAB_TIMEOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPatience:
    """How long a lab may take, in seconds; tests shorten it."""

    first_byte_s: float = limits.LAB_FIRST_BYTE_TIMEOUT_S
    idle_s: float = limits.LAB_IDLE_TIMEOUT_S


@dataclass(slots=True, kw_only=True)
class Passage:
    """What became of a call at the lab, as far as it came.

    `status`: the lab's, 0 if it gave none. `is_begun`: the caller has the head of a stream. `held`: what is released
    once the outcome is durable. `size_bytes`: of what the caller gets. `end`: None unless the lab ended its message.
    """

    commitment: Committer
    transcript: CallTranscript = field(default_factory=NotKept)
    forwarded: bool = False
    status: int = 0
    fields: tuple[answers.Field, ...] = ()
    is_stream: bool = False
    is_begun: bool = False
    held: bytes = b""
    size_bytes: int = 0
    answer: Answer | None = None
    end: AnswerEnd | None = None

    def take(self, data: bytes) -> None:
        """Count `data` as part of what the caller gets."""
        self._count(data)
        self.transcript.add(data)

    def close(self, *, is_whole: bool) -> None:
        """Count what is held as part of the answer, or drop it. The transcript is finished by then."""
        if is_whole:
            self._count(self.held)
        else:
            self.held = b""

    def _count(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self.commitment.update(data)


class Relay:
    """Passes one answer from a lab to a caller, and tells `passage` what happened."""

    def __init__(
        self,
        *,
        lab: LabConnection,
        caller: CallerConnection,
        lifeline: Lifeline,
        reader: AnswerReader,
        passage: Passage,
        credential: str,
        receipt: tuple[answers.Field, ...],
        patience: LabPatience,
    ) -> None:
        self._lab = lab
        self._caller = caller
        self._lifeline = lifeline
        self._reader = reader
        self._passage = passage
        self._credential = credential
        self._watch = CredentialWatch(credential)
        self._receipt = receipt
        self._patience = patience

    async def run(self, call: Call) -> None:
        """Return when the answer is whole, or raise CutShort with the reason why it is not."""
        try:
            await self._pass(call)
        except LabGarbled:
            raise CutShort(Reason.LAB_GARBLED) from None
        except CutShort as cut:
            if not self._is_finished() or cut.reason not in _HARMLESS_AFTER_THE_END:
                raise

    async def _pass(self, call: Call) -> None:
        head = await self._take_head()
        if head.status >= 400:
            await self._take_error()
            return
        content_type = head.fields.get(b"content-type")
        require_content_type(call, None if content_type is None else content_type.decode("latin-1"))
        self._passage.is_stream = call.stream
        await self._pass_body()
        if not self._take_stock().complete:
            raise CutShort(Reason.LAB_BROKE_OFF)

    async def _take_head(self) -> AnswerHead:
        head = await self._lab.next_event(self._lifeline, timeout_s=self._patience.first_byte_s)
        if not isinstance(head, AnswerHead):
            raise CutShort(Reason.LAB_GARBLED)
        self._passage.status = head.status
        self._passage.fields = pick_fields(head.fields, self._credential)
        return head

    async def _next_part(self) -> bytes | None:
        event = await self._lab.next_event(self._lifeline, timeout_s=self._patience.idle_s)
        if isinstance(event, AnswerPart):
            return event.data
        if isinstance(event, AnswerEnd):
            self._passage.end = event
            return None
        raise CutShort(Reason.LAB_GARBLED)

    async def _pass_body(self) -> None:
        while (data := await self._next_part()) is not None:
            out = self._reader.feed(data)
            if not out:
                continue
            self._watch.check(out)
            if self._passage.is_stream and not self._lab.is_at_end():
                self._release(out)
                await self._caller.wait_for_room(self._lifeline)
                await self._passage.transcript.keep_up()
            else:
                self._passage.held += out

    def _release(self, out: bytes) -> None:
        head = b""
        if not self._passage.is_begun:
            self._passage.is_begun = True
            head = begin_stream(self._passage, self._receipt, closes=self._caller.closes_after)
        self._passage.take(out)
        self._caller.write(head + answers.encode_chunk(out))

    async def _take_error(self) -> None:
        """Hold the lab's own error: it goes on as it is, if it is JSON, of bounded size, and tells no secret."""
        body = bytearray()
        while (data := await self._next_part()) is not None:
            body += data
            if len(body) > limits.MAX_LAB_ERROR_BYTES:
                raise CutShort(Reason.LAB_GARBLED)
        self._watch.check(bytes(body))
        check_error_body(bytes(body))
        self._passage.held = bytes(body)

    def _take_stock(self) -> Answer:
        """Return what the answer came to, its last bytes held; raise LabGarbled if it is none."""
        answer = self._passage.answer
        if answer is None:
            answer = self._reader.finish()
            # The name goes into the ledger, which is public.
            if answer.model is not None and self._credential in answer.model:
                answer = replace(answer, model=None)
            self._passage.answer = answer
            self._watch.check(answer.tail)
            self._passage.held += answer.tail
        return answer

    def _is_finished(self) -> bool:
        """Say whether an answer that was cut short had come to its end; learn what it cost in any case."""
        if not self._passage.is_stream:
            return False
        try:
            return self._take_stock().complete
        except (LabGarbled, CutShort):
            return False


def begin_stream(passage: Passage, receipt: tuple[answers.Field, ...], *, closes: bool) -> bytes:
    """Return the head of a streamed answer."""
    fields = (answers.EVENT_STREAM, *passage.fields, *receipt)
    return answers.encode_stream_head(200, (*fields, answers.CLOSE) if closes else fields)


def check_error_body(body: bytes) -> None:
    """Raise CutShort (LAB_GARBLED) unless `body` is a JSON object: a page of HTML is not a lab's error."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise CutShort(Reason.LAB_GARBLED) from None
    if not isinstance(value, dict):
        raise CutShort(Reason.LAB_GARBLED)
