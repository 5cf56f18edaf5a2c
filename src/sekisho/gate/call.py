"""The path of one call, steps 1 to 12 as DESIGN numbers them (6, screening, is not built yet).

Every way out of here after step 8 writes an outcome: the lab's whole answer, its error, a lab that hangs or breaks
off, a caller that leaves, a hold, the gate stopping. `judge`, `budget`, `record`, `forward` and `relay` do the work;
this file says in which order, and what the caller gets.
"""

import asyncio

import structlog

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.gate import answers
from sekisho.gate.budget import is_used_up, settled_tokens
from sekisho.gate.connection import IncomingCall
from sekisho.gate.denial import encode_denial, make_denial
from sekisho.gate.entries import denial_body, intent_body, outcome_body
from sekisho.gate.forward import encode_request
from sekisho.gate.judge import judge
from sekisho.gate.lifeline import CutShort
from sekisho.gate.plan import Parts, Plan, UnderWay, plan_call
from sekisho.gate.record import Intent
from sekisho.gate.relay import Passage, Relay, begin_stream
from sekisho.gate.transcripts import CallTranscript, NotKept
from sekisho.labs import Dialect, Surface, dialect_named, find_surface
from sekisho.ledger import Committer, commit

_log = structlog.get_logger("sekisho.gate")
# A lab that refuses our credential is not the caller's to mend; and 401 from a gate means the gate's own.
_STATUS_FOR_CALLER = {401: 502, 407: 502}
# Large answers go out in slices, so that a slow caller is given time for each, and a gone one is noticed.
_SLICE_BYTES = 65_536


async def serve_call(parts: Parts, incoming: IncomingCall) -> None:
    """Serve one request of an authenticated caller, to the end. Step 2 is behind it; raises nothing."""
    request_id = parts.ids.new("req")
    try:
        plan = plan_call(parts, incoming, request_id)
        salts = (parts.salts(), parts.salts())
        intent, transcript = await _intend(parts, incoming, plan, salts)
    except Denied as denied:
        await _deny(parts, incoming, request_id, denied)
        return
    passage = Passage(commitment=Committer(salts[1]), transcript=transcript)
    reason = await _carry(parts, incoming, plan, intent, passage)
    reason = await _settle(parts, incoming, plan, intent.index, passage, reason, salts[1])
    await _release(parts, incoming, plan, intent, passage, reason)
    _note(parts, incoming, plan.request_id, reason, status=passage.status, lab=plan.permit.standing.lab)


async def _intend(
    parts: Parts, incoming: IncomingCall, plan: Plan, salts: tuple[bytes, bytes]
) -> tuple[Intent, CallTranscript]:
    """(8) Return the durable intent and the transcript, begun, or raise Denied, the budget given back.

    The request is sealed first: where content must be kept, no call is intended that leaves none.
    """
    commitment = commit(plan.body, salts[0])
    transcript: CallTranscript = NotKept()
    try:
        transcript = await parts.transcripts.begin(
            plan.permit.force.snapshot.auditors,
            request_id=plan.request_id,
            request=plan.body,
            request_commitment=commitment,
            salts=salts,
        )
        intent = await parts.recorder.intend(intent_body(plan, incoming.caller, commitment), salt=salts[0])
    except Denied:
        transcript.discard()
        parts.budgets.settle(plan.reservation, tokens=0, counts=False)
        raise
    return intent, transcript


async def _carry(parts: Parts, incoming: IncomingCall, plan: Plan, intent: Intent, passage: Passage) -> Reason | None:
    """(9) and (10): return None when the lab's answer is whole, else why it is not."""
    upstream, under_way = plan.lab.upstream, UnderWay(reach=plan.permit.reach, lifeline=incoming.lifeline)
    try:
        connection = await plan.lab.pool.connect()
        try:
            # Nothing waits from here until the request is written: what is in force now is what it is sent under.
            _check_still_permitted(parts, incoming, plan)
            incoming.lifeline.check()
            parts.under_way.add(under_way)
            request = _lab_request(incoming, plan)
            passage.forwarded = True
            connection.send(request)
            # A copy of the body, which may be large, and a stream lasts for minutes.
            del request
            relay = Relay(
                lab=connection,
                caller=incoming.connection,
                lifeline=incoming.lifeline,
                reader=plan.dialect.reader(plan.surface, plan.call, plan.body),
                passage=passage,
                credential=upstream.credential,
                receipt=_receipt(parts, plan.request_id, intent),
                patience=parts.patience,
            )
            await relay.run(plan.call)
        finally:
            parts.under_way.discard(under_way)
            plan.lab.pool.give_back(connection, passage.end, unused=not passage.forwarded)
    except (CutShort, Denied) as ended:
        return ended.reason
    except Exception as error:  # a fault of ours must not leave an intent without its outcome
        _log.error("call failed unexpectedly", request_id=plan.request_id, error=type(error).__name__)
        return Reason.GATE_FAILED
    return None


def _lab_request(incoming: IncomingCall, plan: Plan) -> bytes:
    body = plan.dialect.prepare_body(plan.surface, plan.body, plan.call)
    return encode_request(plan.lab.upstream, plan.surface, incoming.head, plan.call, body)


def _check_still_permitted(parts: Parts, incoming: IncomingCall, plan: Plan) -> None:
    """Raise Denied if what came into force since step 3 no longer permits the call, or the lease has lapsed."""
    force = parts.lease.require()
    if force is not plan.permit.force:
        at = parts.clock.now()
        again = judge(force, incoming.caller, model=plan.call.model, surface=plan.surface, at=at)
        if again.reach != plan.permit.reach:
            raise Denied(Reason.NO_GRANT, grant_id=plan.permit.grant.id)


async def _settle(
    parts: Parts,
    incoming: IncomingCall,
    plan: Plan,
    index: int,
    passage: Passage,
    reason: Reason | None,
    salt: bytes,
) -> Reason | None:
    """(11) Seal the transcript, settle the budget and write the outcome; return why the answer is not whole, or may
    not be released.
    """
    sealed_sha256 = None
    try:
        sealed_sha256 = await passage.transcript.finish(passage.held if reason is None else b"")
    except Denied as denied:
        # What is not sealed is not released, where it has to be.
        reason = reason or denied.reason
    passage.close(is_whole=reason is None)
    tokens = settled_tokens(plan.reservation, forwarded=passage.forwarded, status=passage.status, answer=passage.answer)
    outcome = "complete" if reason is None else reason.value
    parts.budgets.settle(plan.reservation, tokens=tokens, counts=is_used_up(outcome, tokens))
    duration_us = _duration_us(incoming)
    body = outcome_body(
        plan,
        index,
        passage,
        outcome=outcome,
        settled_tokens=tokens,
        duration_us=duration_us,
        sealed_sha256=sealed_sha256,
    )
    try:
        await parts.recorder.answer(body, salt=salt)
    except Denied as denied:
        # What is not recorded is not released.
        return reason or denied.reason
    passage.transcript.settle()
    return reason


async def _release(
    parts: Parts, incoming: IncomingCall, plan: Plan, intent: Intent, passage: Passage, reason: Reason | None
) -> None:
    """(12) Give the caller what is left of the answer, or the reason why it is not whole; then the call is over."""
    connection, receipt = incoming.connection, _receipt(parts, plan.request_id, intent)
    is_whole = True
    if reason is None:
        is_whole = await _release_answer(incoming, passage, receipt)
    elif passage.is_begun:
        # No last chunk: what arrived must not look whole.
        denial = make_denial(reason, plan.request_id)
        connection.write(answers.encode_chunk(plan.dialect.error_event(plan.surface, denial)))
        is_whole = False
    else:
        connection.write(encode_denial(make_denial(reason, plan.request_id), plan.dialect, _closing(incoming, receipt)))
    connection.end_call(whole=is_whole)


async def _release_answer(incoming: IncomingCall, passage: Passage, receipt: tuple[answers.Field, ...]) -> bool:
    if passage.is_stream:
        head = b"" if passage.is_begun else begin_stream(passage, receipt, closes=incoming.connection.closes_after)
        data = head + (answers.encode_chunk(passage.held) if passage.held else b"") + answers.LAST_CHUNK
    else:
        status = _STATUS_FOR_CALLER.get(passage.status, passage.status)
        fields = (answers.JSON, *passage.fields, *_closing(incoming, receipt))
        data = answers.encode_whole(status, fields, passage.held)
    # Recorded and copied: a slow caller's answer is kept once.
    passage.held, passage.answer = b"", None
    try:
        for start in range(0, len(data), _SLICE_BYTES):
            incoming.connection.write(data[start : start + _SLICE_BYTES])
            await incoming.connection.wait_for_room(incoming.lifeline)
    except CutShort:
        incoming.connection.abort()
        return False
    return True


async def _deny(parts: Parts, incoming: IncomingCall, request_id: str, denied: Denied) -> None:
    """Record a denial and tell the caller. If the ledger fails the answer is no all the same, and it is counted."""
    surface = find_surface(incoming.head.method, incoming.head.path)
    try:
        await parts.recorder.deny(
            denial_body(request_id, denied, caller=incoming.caller, surface=surface, force=parts.lease.latest)
        )
    except Denied:
        parts.counts.add(denied.reason)
    fields = ((b"sekisho-request-id", request_id.encode()), (b"dpop-nonce", parts.authenticator.nonce()))
    denial = make_denial(denied.reason, request_id)
    incoming.connection.write(encode_denial(denial, _dialect_for(incoming, surface), _closing(incoming, fields)))
    incoming.connection.end_call(whole=True)
    _note(parts, incoming, request_id, denied.reason, status=0, lab=None)


def _dialect_for(incoming: IncomingCall, surface: Surface | None) -> Dialect:
    if surface is not None:
        return dialect_named(surface.dialect)
    return dialect_named("anthropic" if b"anthropic-version" in incoming.head.fields else "openai")


def _receipt(parts: Parts, request_id: str, intent: Intent) -> tuple[answers.Field, ...]:
    return (
        (b"sekisho-request-id", request_id.encode()),
        (b"sekisho-intent-index", b"%d" % intent.index),
        (b"sekisho-log", parts.log_name.encode()),
        (b"sekisho-promise", intent.promise.encode()),
        (b"dpop-nonce", parts.authenticator.nonce()),
    )


def _closing(incoming: IncomingCall, fields: tuple[answers.Field, ...]) -> tuple[answers.Field, ...]:
    return (*fields, answers.CLOSE) if incoming.connection.closes_after else fields


def _duration_us(incoming: IncomingCall) -> int:
    return int((asyncio.get_running_loop().time() - incoming.started_at) * 1_000_000)


def _note(
    parts: Parts, incoming: IncomingCall, request_id: str, reason: Reason | None, *, status: int, lab: str | None
) -> None:
    """Log the one event of a call, and count it. Never content."""
    duration_us = _duration_us(incoming)
    outcome = "complete" if reason is None else reason.value
    parts.metrics.observe_call(outcome, duration_us)
    _log.info("call", request_id=request_id, outcome=outcome, lab=lab, lab_status=status, duration_us=duration_us)
