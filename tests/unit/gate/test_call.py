"""The path of one call, end to end on loopback."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from gate_rig import (
    ANA,
    AST,
    AST_2,
    AST_FOREIGN,
    BEN,
    BEN_KEY,
    CHAT_REPLY,
    CREDENTIAL,
    GRT,
    INS,
    STRANGER_KEY,
    Desk,
    answer_with,
    chat_body,
    chat_events,
    chunked,
    make_snapshot,
    never_answer,
    open_rig,
    read_reply,
    whole,
    with_grant,
    with_hold,
)

from sekisho.access import GrantState, TargetKind
from sekisho.core import Reason, Window
from sekisho.gate.relay import LabPatience
from sekisho.ledger import EntryKind, LedgerUnavailable, check_commitment, encode_entry
from sekisho.ledger.promise import open_promise
from sekisho.tlog.merkle import hash_leaf


async def test_a_permitted_call_reaches_the_lab_and_comes_back_with_a_receipt(rig, desk):
    """DESIGN, the path of one call: the lab's answer as it is, and headers that name the entry."""
    reply = await desk.call()
    assert (reply.status, reply.body) == (200, CHAT_REPLY)
    assert reply.fields["sekisho-intent-index"] == "0"
    assert reply.fields["sekisho-log"] == "calls/gate-0"
    (intent,) = rig.log.bodies(EntryKind.CALL_INTENDED)
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert intent["request_id"] == outcome["request_id"] == reply.fields["sekisho-request-id"]
    assert (intent["institution"], intent["principal"], intent["grant"], intent["asset"]) == (INS, ANA, GRT, AST)
    assert (outcome["outcome"], outcome["status"], outcome["settled_tokens"]) == ("complete", 200, 18)
    assert outcome["model_answered"] == "red-1-2026-11"


async def test_the_receipt_holds_the_log_s_word_for_the_very_entry(rig, desk):
    """Step 12: signed once a call by the calls log's key, over request, index and leaf; a denial has none."""
    for index in (0, 2):
        reply = await desk.call()
        promise = open_promise(reply.fields["sekisho-promise"], rig.log.signer.verifier)
        assert (promise.index, promise.request_id) == (index, reply.fields["sekisho-request-id"])
        assert promise.leaf_hash == hash_leaf(encode_entry(rig.log.written[index]))
        assert promise.at == rig.clock.now()
    assert "sekisho-promise" not in (await desk.call(body=chat_body(model="nobody"))).fields


async def test_a_call_that_the_log_gives_no_word_for_is_not_made(rig, desk):
    """Fail closed: nobody could prove it later. The intent that is there already gets its outcome."""
    rig.log.promises = False
    reply = await desk.call()
    assert (reply.status, reply.code) == (503, Reason.LEDGER_UNAVAILABLE.value)
    assert rig.lab.requests == []
    await rig.gate.parts.recorder.pay_owed()
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert (outcome["intent_index"], outcome["outcome"]) == (0, Reason.LEDGER_UNAVAILABLE.value)


async def test_commitments_open_with_the_salts_kept_beside_them(rig, desk):
    """Invariant 6: the ledger binds to the content of request and answer without telling it."""
    await desk.call(body=chat_body())
    request = rig.lab.requests[0].body
    (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
    check_commitment(intent["request_commitment"], request, rig.log.private[0])
    check_commitment(outcome["response_commitment"], CHAT_REPLY, rig.log.private[1])


async def test_the_intent_is_durable_when_the_request_arrives_at_the_lab(rig, desk):
    """Invariant 1: no durable intent entry, no call."""
    seen = []
    rig.lab.on_request = lambda: seen.append(len(rig.log.bodies(EntryKind.CALL_INTENDED)))
    for _ in range(3):
        assert (await desk.call()).status == 200
    assert seen == [1, 2, 3]


async def test_nothing_is_forwarded_while_the_intent_is_not_durable(rig, desk):
    """Invariant 1: the request waits for the ledger, not beside it."""
    rig.log.mode = "hang"
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.log.hanging) == 1)
    await asyncio.sleep(0.05)
    assert rig.lab.requests == []
    rig.log.mode = "ok"
    rig.log.release_hanging()
    assert (await calling).status == 200


async def test_a_stream_passes_frame_by_frame_and_ends_after_its_outcome(rig, desk):
    """Step 11 before the end of step 9: a message never ends whole before its outcome is durable."""
    gate_open = asyncio.Event()

    async def script(request, writer):
        frames = chat_events()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunked(frames[0])
        )
        await writer.drain()
        await gate_open.wait()
        writer.write(b"".join(map(chunked, frames[1:])) + b"0\r\n\r\n")

    rig.lab.script = script
    reader, writer = await rig.connect()
    writer.write(desk.request(body=chat_body(stream=True)))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"text/event-stream" in head
    first = await reader.readuntil(b"\n\n\r\n")
    assert b"word0" in first
    rig.log.mode = "hang"
    gate_open.set()
    await rig.until(lambda: len(rig.log.hanging) == 1)
    rest = await reader.read(100_000) if reader._buffer else b""  # type: ignore[attr-defined]
    assert b"0\r\n\r\n" not in rest
    rig.log.mode = "ok"
    rig.log.release_hanging()
    async with asyncio.timeout(5):
        while not rest.endswith(b"0\r\n\r\n"):
            rest += await reader.read(100_000)
    writer.transport.abort()
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert (outcome["outcome"], outcome["settled_tokens"]) == ("complete", 18)


async def test_the_usage_that_the_gate_asked_for_is_kept_from_a_caller_who_did_not(rig, desk):
    """The gate learns what a stream cost, and the caller sees what it asked for."""
    reply = await desk.call(body=chat_body(stream=True))
    assert reply.is_whole
    assert b"prompt_tokens" not in reply.body
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert json.loads(rig.lab.requests[0].body)["stream_options"] == {"include_usage": True}


async def test_the_lab_is_told_only_what_it_needs(rig, desk):
    """Headers pass by a list: no token, no proof, no cookie, no address, no choice of account."""
    extra = (
        ("Cookie", "session=1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("x-api-key", "mine"),
        ("OpenAI-Organization", "org-mine"),
        ("X-Stainless-Lang", "python"),
        ("User-Agent", "agent/1"),
        ("OpenAI-Beta", "responses=v1"),
        ("Accept-Encoding", "gzip"),
    )
    assert (await desk.call(extra=extra)).status == 200
    head = rig.lab.requests[0].head.lower()
    names = {line.split(b":")[0] for line in head.split(b"\r\n")[1:-2]}
    assert names == {
        b"host", b"user-agent", b"accept", b"accept-encoding", b"content-type", b"content-length",
        b"openai-beta", b"authorization",
    }  # fmt: skip
    assert b"authorization: bearer " + CREDENTIAL.encode() in head
    assert b"accept-encoding: identity" in head
    assert b"user-agent: sekisho-gate" in head
    assert f"host: 127.0.0.1:{rig.lab_port}".encode() in head


async def test_the_caller_is_told_nothing_of_the_account_at_the_lab(rig, desk):
    """No cookie and no organisation comes back; the lab's request id does, for its support."""
    reply = await desk.call(body=chat_body(stream=True))
    assert "set-cookie" not in reply.fields
    assert "openai-organization" not in reply.fields
    assert reply.fields["x-request-id"] == "lab-7"


def _narrow(**changes):
    return lambda rig: rig.put(with_grant(rig.snapshot, **changes))


def _hold(kind, target):
    return lambda rig: rig.put(with_hold(rig.snapshot, kind, target))


def _drop_principal(rig):
    rig.put(replace(rig.snapshot, version=2, principals=rig.snapshot.principals[1:]))


_PAST = Window(opens=make_snapshot().made_at - timedelta(days=9), closes=make_snapshot().made_at - timedelta(days=8))


@pytest.mark.parametrize(
    ("reason", "prepare", "options"),
    [
        (Reason.NO_GRANT, None, {"body": chat_body(model="ungranted-1")}),
        (Reason.NO_GRANT, None, {"body": chat_body(model="invented-1")}),
        (Reason.ASSET_UNDECLARED, None, {"asset": None}),
        (Reason.ASSET_UNDECLARED, None, {"asset": AST_FOREIGN}),
        (Reason.ASSET_OUT_OF_SCOPE, None, {"asset": AST_2}),
        (Reason.WINDOW_CLOSED, _narrow(window=_PAST), {}),
        (Reason.TECHNIQUE_NOT_GRANTED, None, {"technique": "exploit"}),
        (Reason.BUDGET_SPENT, _narrow(budget_tokens=50), {}),
        (Reason.BUDGET_SPENT, _narrow(budget_calls=0), {}),
        (Reason.GRANT_REVOKED, _narrow(state=GrantState.REVOKED), {}),
        (Reason.PERSON_SUSPENDED, _hold(TargetKind.PRINCIPAL, ANA), {}),
        (Reason.INSTITUTION_SUSPENDED, _hold(TargetKind.INSTITUTION, INS), {}),
        (Reason.LAB_ON_HOLD, _hold(TargetKind.LAB, "lab-a"), {}),
        (Reason.MODEL_ON_HOLD, _hold(TargetKind.MODEL, "red-1"), {}),
        (Reason.GRANT_ON_HOLD, _hold(TargetKind.GRANT, GRT), {}),
        (Reason.PRINCIPAL_UNKNOWN, _drop_principal, {}),
        (Reason.SURFACE_UNKNOWN, None, {"path": "/v1/models"}),
        (Reason.SURFACE_UNKNOWN, None, {"path": "/v1/messages", "body": chat_body()}),
        (Reason.REQUEST_MALFORMED, None, {"path": "/v1/chat/completions?model=other"}),
        (Reason.REQUEST_MALFORMED, None, {"body": b"{"}),
        (Reason.REQUEST_MALFORMED, None, {"body": chat_body(model=7)}),
        (Reason.REQUEST_TOO_LARGE, None, {"body": b'{"model":"red-1","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"}),
    ],
)
async def test_every_denial_has_its_code_its_words_and_its_entry(rig, desk, reason, prepare, options):
    """A caller that is known learns why, in the dialect's shape, and not to try again; the lab hears nothing."""
    if prepare is not None:
        prepare(rig)
    options = dict(options)
    claims = {name: options.pop(name) for name in ("asset", "technique") if name in options}
    reply = await desk.call(token=desk.token(**claims), **options)
    assert reply.code == reason.value
    assert reply.status == (401 if reason.value.startswith("SKS-GATE-2") else _status(reason))
    assert reply.fields["x-should-retry"] == "false"
    told = json.loads(reply.body)["sekisho"]
    assert told["request_id"] == reply.fields["sekisho-request-id"]
    assert told["message_ja"]
    (entry,) = rig.log.bodies(EntryKind.CALL_DENIED)
    assert (entry["reason"], entry["principal"]) == (reason.value, ANA)
    assert rig.log.bodies(EntryKind.CALL_INTENDED) == []
    assert rig.lab.requests == []


def _status(reason: Reason) -> int:
    from sekisho.core import REASONS

    return REASONS[reason].status


async def test_a_denied_call_leaves_its_connection_usable(rig, desk):
    """A denial is an answer like any other: the next request on the connection is served."""
    reader, writer = await rig.connect()
    writer.write(desk.request(body=chat_body(model="invented-1")))
    assert (await read_reply(reader)).status == 403
    writer.write(desk.request())
    assert (await read_reply(reader)).status == 200
    writer.transport.abort()


async def test_a_principal_whose_key_was_replaced_is_unknown(rig):
    """Step 3 compares the key that was proved with the one enrolled now."""
    desk = Desk(rig, key=STRANGER_KEY)
    assert (await desk.call()).code == Reason.PRINCIPAL_UNKNOWN.value


async def test_the_lease_lapses_and_comes_back(rig, desk):
    """Invariant 8: a gate that has lost touch denies, and recovers by itself."""
    rig.monotonic[0] += 5.1
    reply = await desk.call()
    assert (reply.status, reply.code) == (503, Reason.SNAPSHOT_STALE.value)
    rig.gate.parts.lease.renew(1)
    assert (await desk.call()).status == 200


@pytest.mark.parametrize("mode", ["fail", "hang"])
async def test_without_the_ledger_no_call_is_made_and_it_recovers(mode):
    """Invariants 1 and 2: no durable intent, no call; and no restart is needed afterwards."""
    async with open_rig(ledger_timeout_s=0.1) as rig:
        desk = Desk(rig)
        rig.log.mode = mode
        reply = await desk.call()
        assert (reply.status, reply.code) == (503, Reason.LEDGER_UNAVAILABLE.value)
        assert rig.gate.why_not_ready() is not None
        assert rig.lab.requests == []
        assert rig.gate.parts.budgets.spent(GRT) == (0, 0)
        rig.log.mode = "ok"
        assert (await desk.call()).status == 200
        assert rig.gate.why_not_ready() is None


async def test_no_call_is_made_while_the_log_cannot_be_published(rig, desk):
    """Invariants 1 and 2: a log that takes entries and cannot show them is in doubt, and so is what it took."""
    rig.log.trouble = LedgerUnavailable("no such table: entries")
    assert (await desk.call()).code == Reason.LEDGER_UNAVAILABLE.value
    assert rig.gate.why_not_ready() == "the ledger does not write"
    assert rig.lab.requests == []
    assert rig.gate.parts.budgets.spent(GRT) == (0, 0)
    rig.log.trouble = None
    assert (await desk.call()).status == 200


async def test_an_intent_that_lands_late_gets_its_outcome(rig):
    """An intent that the gate gave up on is closed: the ledger shows no call where none was made."""
    async with open_rig(ledger_timeout_s=0.05) as rig:
        rig.log.mode = "hang"
        await Desk(rig).call()
        rig.log.mode = "ok"
        rig.log.release_hanging()
        await asyncio.sleep(0.01)
        await rig.gate.parts.recorder.pay_owed()
        (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
        assert intent["request_id"] == outcome["request_id"]
        assert (outcome["outcome"], outcome["settled_tokens"]) == (Reason.LEDGER_UNAVAILABLE.value, 0)
        assert rig.lab.requests == []


async def test_an_answer_whose_outcome_cannot_be_written_is_withheld_and_owed(rig, desk):
    """Step 11 before step 12: what is not recorded is not released; the outcome is written once the ledger can."""

    async def script(request, writer):
        rig.log.mode = "fail"
        writer.write(whole(CHAT_REPLY))

    rig.lab.script = script
    reply = await desk.call()
    assert (reply.status, reply.code) == (503, Reason.LEDGER_UNAVAILABLE.value)
    assert b"All good" not in reply.raw
    rig.log.mode = "ok"
    await rig.gate.parts.recorder.pay_owed()
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert (outcome["outcome"], outcome["settled_tokens"]) == ("complete", 18)


async def test_a_hold_cuts_a_stream_and_says_so_in_the_dialect(rig, desk):
    """Invariant 8: a hold may cut a call under way; then the caller is told, and the end never looks whole."""
    rig.lab.script = _begin_and_hang
    reader, writer = await rig.connect()
    writer.write(desk.request(body=chat_body(stream=True)))
    await reader.readuntil(b"word0")
    rig.put(with_hold(rig.snapshot, TargetKind.LAB, "lab-a"))
    rest = await asyncio.wait_for(reader.read(), 5)
    writer.transport.abort()
    assert Reason.CUT_BY_HOLD.value.encode() in rest
    assert not rest.endswith(b"0\r\n\r\n")
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert outcome["outcome"] == Reason.CUT_BY_HOLD.value
    intent = rig.log.bodies(EntryKind.CALL_INTENDED)[0]
    assert outcome["settled_tokens"] == intent["reserved_tokens"]


async def test_a_hold_cuts_a_call_that_has_no_answer_yet(rig, desk):
    """The same for an answer in one piece: 403 with the code, and nothing of the answer."""
    rig.lab.script = never_answer
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.lab.requests) == 1)
    rig.put(with_hold(rig.snapshot, TargetKind.PRINCIPAL, ANA))
    reply = await calling
    assert (reply.status, reply.code) == (403, Reason.CUT_BY_HOLD.value)
    assert reply.fields["sekisho-intent-index"] == "0"


async def test_a_hold_on_another_leaves_a_call_alone(rig, desk):
    """A hold stops what it names."""
    release = asyncio.Event()

    async def script(request, writer):
        await release.wait()
        writer.write(whole(CHAT_REPLY))

    rig.lab.script = script
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.lab.requests) == 1)
    rig.put(with_hold(rig.snapshot, TargetKind.PRINCIPAL, BEN))
    release.set()
    assert (await calling).status == 200


async def test_a_revocation_lets_what_is_under_way_end(rig, desk):
    """Invariant 8: no request that was permitted and is under way is lost; the next one is denied."""
    release = asyncio.Event()

    async def script(request, writer):
        await release.wait()
        writer.write(whole(CHAT_REPLY))

    rig.lab.script = script
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.lab.requests) == 1)
    rig.put(with_grant(rig.snapshot, state=GrantState.REVOKED))
    assert (await desk.call()).code == Reason.GRANT_REVOKED.value
    release.set()
    assert (await calling).status == 200


async def test_what_comes_into_force_between_judging_and_forwarding_counts(rig, desk):
    """A revocation while the intent is being written: nothing is forwarded, and the outcome says why."""
    rig.log.mode = "hang"
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.log.hanging) == 1)
    rig.put(with_grant(rig.snapshot, state=GrantState.REVOKED))
    rig.log.mode = "ok"
    rig.log.release_hanging()
    reply = await calling
    assert reply.code == Reason.GRANT_REVOKED.value
    assert rig.lab.requests == []
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert (outcome["outcome"], outcome["settled_tokens"]) == (Reason.GRANT_REVOKED.value, 0)
    assert rig.gate.parts.budgets.spent(GRT) == (0, 0)


async def test_a_lease_that_lapses_between_judging_and_forwarding_counts(rig, desk):
    """The same for a lost link."""
    rig.log.mode = "hang"
    calling = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.log.hanging) == 1)
    rig.monotonic[0] += 10
    rig.log.mode = "ok"
    rig.log.release_hanging()
    assert (await calling).code == Reason.SNAPSHOT_STALE.value
    assert rig.lab.requests == []


async def test_a_budget_is_never_overdrawn_by_calls_at_once(rig):
    """Step 7: reservations hold what is under way, so calls at once cannot spend the same tokens."""
    rig.put(with_grant(rig.snapshot, budget_calls=2))
    rig.lab.script = never_answer
    calls = [asyncio.ensure_future(Desk(rig).call()) for _ in range(5)]
    await rig.until(lambda: len(rig.log.bodies(EntryKind.CALL_DENIED)) == 3 and len(rig.lab.requests) == 2)
    assert len(rig.log.bodies(EntryKind.CALL_INTENDED)) == 2
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_budgets_survive_a_restart(rig, desk):
    """The ledger is the memory: settled calls cost what they cost, an intent without outcome its reservation."""
    await desk.call()
    rig.lab.script = never_answer
    hanging = asyncio.ensure_future(desk.call())
    await rig.until(lambda: len(rig.lab.requests) == 2)
    reserved = rig.log.bodies(EntryKind.CALL_INTENDED)[1]["reserved_tokens"]
    async with open_rig(log=rig.log) as again:
        assert again.gate.parts.budgets.spent(GRT) == (18 + reserved, 2)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


async def _begin_and_hang(request, writer):
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(chat_events()[0])
    )
    await writer.drain()
    await asyncio.sleep(3600)


async def test_a_caller_that_leaves_frees_the_lab_and_pays(rig, desk):
    """Budgets are settled on every ending: who hangs up pays what was reserved, and the lab's connection closes."""
    rig.lab.script = _begin_and_hang
    reader, writer = await rig.connect()
    writer.write(desk.request(body=chat_body(stream=True)))
    await reader.readuntil(b"word0")
    writer.transport.abort()
    (outcome,) = await rig.settled()
    intent = rig.log.bodies(EntryKind.CALL_INTENDED)[0]
    assert (outcome["outcome"], outcome["settled_tokens"]) == (Reason.CALLER_LEFT.value, intent["reserved_tokens"])
    await rig.until(lambda: not rig.gate.parts.under_way)


async def test_a_caller_that_hangs_up_on_the_closing_mark_had_the_whole_answer(rig, desk):
    """SDKs close as soon as they read [DONE]; that is no broken call."""

    async def script(request, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"".join(map(chunked, chat_events()))
        )
        await writer.drain()
        await asyncio.sleep(3600)

    rig.lab.script = script
    reader, writer = await rig.connect()
    writer.write(desk.request(body=chat_body(stream=True)))
    await reader.readuntil(b"[DONE]")
    writer.transport.abort()
    (outcome,) = await rig.settled()
    assert (outcome["outcome"], outcome["settled_tokens"]) == ("complete", 18)


async def test_a_lab_error_passes_as_it_is_and_costs_nothing(rig, desk):
    """The lab's own refusal is the lab's to word; status and body pass, and the outcome records it."""
    body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'
    rig.lab.script = answer_with(whole(body, status="429 Too Many Requests", extra="Retry-After: 7\r\n"))
    reply = await desk.call()
    assert (reply.status, reply.body, reply.fields["retry-after"]) == (429, body, "7")
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert (outcome["outcome"], outcome["status"], outcome["settled_tokens"]) == ("complete", 429, 0)


async def test_a_lab_that_refuses_our_credential_is_a_bad_gateway(rig, desk):
    """401 from a gate means the gate's own; the caller cannot mend the institution's account."""
    rig.lab.script = answer_with(whole(b'{"error":{"message":"bad key"}}', status="401 Unauthorized"))
    assert (await desk.call()).status == 502
    assert rig.log.bodies(EntryKind.CALL_ANSWERED)[0]["status"] == 401


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        (Reason.LAB_GARBLED, b"SSH-2.0-OpenSSH_9.2\r\n"),
        (Reason.LAB_GARBLED, whole(b"<html>", kind="text/html")),
        (Reason.LAB_GARBLED, whole(b"not json")),
        (Reason.LAB_GARBLED, whole(b"<html>down</html>", status="503 Down", kind="text/html")),
        (Reason.LAB_GARBLED, b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n"),
        (Reason.LAB_GARBLED, b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        (Reason.LAB_GARBLED, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (Reason.LAB_GARBLED, whole(CHAT_REPLY, extra="Content-Encoding: gzip\r\n")),
        (Reason.LAB_GARBLED, b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000),
        (Reason.LAB_GARBLED, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Reason.LAB_GARBLED, whole(b'{"k":"' + CREDENTIAL.encode() + b'"}', status="500 Oops")),
        (Reason.LAB_BROKE_OFF, b""),
        (Reason.LAB_BROKE_OFF, b"HTTP/1.1 200 OK\r\n"),
        (Reason.LAB_BROKE_OFF, whole(CHAT_REPLY)[:-5]),
    ],
)
async def test_a_lab_that_misbehaves_gives_a_code_and_an_outcome(rig, desk, reason, data):
    """No answer of a lab becomes a traceback, a half answer that looks whole, or a missing outcome."""
    rig.lab.script = answer_with(data, then_close=True)
    reply = await desk.call()
    assert (reply.status, reply.code, reply.is_whole) == (502, reason.value, True)
    (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
    assert outcome["outcome"] == reason.value
    assert CREDENTIAL.encode() not in reply.raw
    assert b"evil.example" not in reply.raw


async def test_a_lab_that_hangs_is_given_up():
    """Each silence of a lab has its end: before the first byte, and between two."""
    patience = LabPatience(first_byte_s=0.05, idle_s=0.05)
    async with open_rig(lab_patience=patience) as rig:
        desk = Desk(rig)
        rig.lab.script = never_answer
        assert (await desk.call()).code == Reason.LAB_TIMEOUT.value
        rig.lab.script = _begin_and_hang
        reply = await desk.call(body=chat_body(stream=True))
        assert not reply.is_whole
        assert Reason.LAB_TIMEOUT.value.encode() in reply.body
        outcomes = rig.log.bodies(EntryKind.CALL_ANSWERED)
        assert [outcome["outcome"] for outcome in outcomes] == [Reason.LAB_TIMEOUT.value] * 2


async def test_a_lab_that_cannot_be_reached_costs_nothing(rig, desk):
    """LAB_UNREACHABLE: recorded, and nothing was spent."""
    await rig.lab.stop()
    reply = await desk.call()
    assert (reply.status, reply.code) == (502, Reason.LAB_UNREACHABLE.value)
    assert rig.log.bodies(EntryKind.CALL_ANSWERED)[0]["settled_tokens"] == 0
    assert rig.gate.parts.budgets.spent(GRT) == (0, 0)
    await rig.lab.start()


async def test_a_lab_that_the_operator_has_not_set_up_is_no_fault_of_the_lab(rig, desk, monkeypatch):
    """LAB_NOT_SET_UP: whoever asks is sent to the gate's operator, not told to wait for the lab."""
    monkeypatch.delitem(rig.gate.parts.labs, "lab-a")
    reply = await desk.call()
    assert (reply.status, reply.code) == (503, Reason.LAB_NOT_SET_UP.value)
    assert not rig.log.bodies(EntryKind.CALL_INTENDED)


async def test_a_fault_of_the_gate_is_not_laid_at_the_labs_door(rig, desk, monkeypatch):
    """GATE_FAILED: the intent has its outcome, and it says whose fault it was."""

    async def fail(*_):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("sekisho.gate.call.Relay.run", fail)
    reply = await desk.call()
    assert (reply.status, reply.code) == (500, Reason.GATE_FAILED.value)
    assert (await rig.settled())[-1]["outcome"] == Reason.GATE_FAILED.value


async def test_connections_to_the_lab_are_reused_and_a_call_is_never_sent_twice(rig, desk):
    """A kept connection serves the next call; one that dies under a request fails it rather than repeat it."""
    for _ in range(3):
        assert (await desk.call()).status == 200
    assert rig.lab.connections == 1
    rig.lab.script = answer_with(b"", then_close=True)
    assert (await desk.call()).code == Reason.LAB_BROKE_OFF.value
    assert len(rig.lab.requests) == 4


async def test_another_principal_has_its_own_key_and_the_same_grant(rig):
    """A grant lists its principals; each proves its own key."""
    assert (await Desk(rig, principal=BEN, key=BEN_KEY).call()).status == 200
