"""Hostile bytes on the wire of a running gate: smuggling, injection, floods. The lab must never see their fruit."""

import asyncio
import json

import pytest
from gate_rig import (
    CHAT_REPLY,
    CREDENTIAL,
    STREAM_HEAD,
    Desk,
    answer_with,
    chat_body,
    chat_events,
    chunked,
    read_reply,
    whole,
)

from sekisho.core import Reason
from sekisho.ledger import EntryKind, encode_entry

SMUGGLED = b"GET /v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def with_fields(request: bytes, *fields: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    return b"\r\n".join((head, *fields)) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "fields",
    [
        (b"Transfer-Encoding: chunked",),
        (b"Transfer-Encoding: xchunked",),
        (b"Content-Length: 0",),
        (b"Transfer-Encoding : chunked",),
        (b"Transfer-Encoding:\tchunked",),
        (b"X: a\rTransfer-Encoding: chunked",),
        (b"X: a\nTransfer-Encoding: chunked",),
        (b"Authorization: DPoP other",),
        (b"DPoP: other",),
        (b"Host: other",),
        (b"Content-Type: text/plain",),
        (b"Upgrade: h2c", b"Connection: Upgrade"),
    ],
)
async def test_shapes_of_smuggling_end_the_connection_before_anything_is_sent_on(rig, desk, fields):
    """RFC 9112 11.2: refused with a code, the connection closed, nothing forwarded, nothing counted as a call."""
    raw = await rig.exchange_raw(with_fields(desk.request(), *fields) + SMUGGLED, timeout_s=3)
    assert raw.startswith(b"HTTP/1.1 400 ")
    assert raw.count(b"HTTP/1.1") == 1
    assert json.loads(raw.partition(b"\r\n\r\n")[2])["sekisho"]["code"] == Reason.REQUEST_MALFORMED.value
    assert rig.lab.requests == []
    assert rig.log.written == []


async def test_a_body_cannot_become_a_second_request_to_the_lab(rig, desk):
    """The gate frames what it sends anew: whatever the body says, the lab reads one request of that length."""
    body = json.dumps(chat_body(messages=[{"role": "user", "content": SMUGGLED.decode()}])).encode()
    for _ in range(2):
        assert (await desk.call(body=body)).status == 200
    assert [request.body for request in rig.lab.requests] == [body, body]


async def test_fields_of_the_caller_cannot_add_fields_to_the_labs_request(rig, desk):
    """Header injection: what passes is a value on one line or nothing."""
    for value in ("a\u00a0b", "x" * 600):
        assert (await desk.call(extra=(("anthropic-beta", value),))).status == 400
    assert rig.lab.requests == []


@pytest.mark.parametrize("value", [b"7\r\nSet-Cookie: a=b", b"7\x00", b"7\xff", b"x" * 2000, CREDENTIAL.encode()])
async def test_fields_of_the_lab_cannot_add_fields_to_the_callers_answer(rig, desk, value):
    """A lab's odd value is dropped, not repaired."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nretry-after: %b\r\nContent-Length: %d\r\n\r\n"
    rig.lab.script = answer_with(head % (value, len(CHAT_REPLY)) + CHAT_REPLY)
    reply = await desk.call()
    assert b"et-Cookie" not in reply.raw
    assert CREDENTIAL.encode() not in reply.raw
    assert "retry-after" not in reply.fields or reply.fields["retry-after"] == "7"


async def test_a_connection_that_brought_an_error_carries_no_second_request(rig, desk):
    """Desynchronised connections: an error may come before the lab has read a body to its end, and what it reads then
    as the head of a request would be one caller's text before another caller's request, credential and all."""
    rig.lab.script = answer_with(whole(b'{"error":{"message":"too many"}}', status="429 Too Many Requests"))
    assert (await desk.call()).status == 429
    assert (await desk.call()).status == 429
    assert rig.lab.connections == 2


async def test_a_body_that_never_ends_is_refused_as_it_grows(rig, desk):
    """Chunks without end: 413 at the limit, and no more memory than that."""
    head = desk.request().partition(b"\r\n\r\n")[0]
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length"))
    reader, writer = await rig.connect()
    writer.write(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(120):
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
    reply = await asyncio.wait_for(read_reply(reader), 3)
    assert (reply.status, reply.code) == (413, Reason.REQUEST_TOO_LARGE.value)
    assert rig.gate._kept_bytes == 0
    writer.transport.abort()


async def test_an_announced_body_that_is_too_large_is_refused_before_it_comes(rig):
    """The length alone is enough, from anybody."""
    raw = await rig.exchange_raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", timeout_s=3)
    assert raw.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"model":"red-1","model":"blue-1","messages":[]}',
        b'{"model":"red-1","Model":"blue-1","messages":[]}',
        b'{"model":["red-1"]}',
        b'{"model":"red-1","stream":"yes"}',
        b'{"model":"red-1","max_tokens":-1}',
        b'{"model":"red-1","max_tokens":1e99}',
        b'{"model":"red-1\\ud800"}',
        b'\xff\xfe{"model":"red-1"}',
        b'{"model":"red-1","n":' + b"9" * 5000 + b"}",
        b'{"model":"red-1","stream":true,"stream_options":[]}',
        b'{"model":"red-1","stream":true,"stream_options":"{}"}',
    ],
)
async def test_hostile_json_is_a_coded_denial(rig, desk, body):
    """Never a traceback, never a call, always an entry."""
    reply = await desk.call(body=body)
    assert (reply.status, reply.code) == (400, Reason.REQUEST_MALFORMED.value)
    assert rig.log.bodies(EntryKind.CALL_DENIED)[0]["reason"] == Reason.REQUEST_MALFORMED.value
    assert rig.lab.requests == []


async def test_text_that_has_no_utf8_reaches_the_lab_as_it_was_written(rig, desk):
    """A lone surrogate, escaped as JSON allows, is the caller's business: no fault of ours, and the same text there."""
    text = '{"model":"red-1","stream":true,"stream_options":{},"messages":[{"role":"user","content":"\\ud83d"}]}'
    assert (await desk.call(body=text.encode())).status == 200
    assert json.loads(rig.lab.requests[0].body)["messages"] == json.loads(text)["messages"]


async def test_the_credential_is_nowhere(rig, desk, capfd):
    """Invariant 3: whatever happens, no answer, entry, log line or metric has the lab's credential."""
    answers = [
        whole(CHAT_REPLY),
        whole(b'{"error":{"message":"bad key ' + CREDENTIAL.encode() + b'"}}', status="401 Unauthorized"),
        whole(b'{"id":"' + CREDENTIAL.encode() + b'","choices":[{"finish_reason":"stop"}]}'),
        whole(CHAT_REPLY.replace(b"red-1-2026-11", CREDENTIAL.encode())),
        STREAM_HEAD + chunked(chat_events()[0].replace(b"red-1-2026-11", CREDENTIAL.encode())),
        whole(CHAT_REPLY, extra=f"x-request-id: {CREDENTIAL}\r\n"),
        b"HTTP/1.1 200 " + CREDENTIAL.encode() + b"\r\n\r\n",
        b"garbage " + CREDENTIAL.encode(),
    ]
    seen = []
    for answer in answers:
        rig.lab.script = answer_with(answer, then_close=True)
        seen.append((await desk.call()).raw)
        seen.append((await desk.call(body=chat_body(stream=True))).raw)
    assert len(rig.lab.requests) == 2 * len(answers)
    assert all(CREDENTIAL.encode() in request.head for request in rig.lab.requests)
    seen += [encode_entry(entry) for entry in rig.log.written]
    seen += [private or b"" for private in rig.log.private]
    seen += [text.encode() for text in capfd.readouterr()]
    seen.append(rig.gate.parts.metrics.render(rig.gate.gauges()))
    seen.append(repr(rig.gate.parts).encode())
    assert not any(CREDENTIAL.encode() in data for data in seen)


async def test_prompts_and_answers_are_in_no_entry_and_no_log_line(rig, desk, capfd):
    """Invariant 6: content stays out of the ledger and out of the logs."""
    await desk.call(body=chat_body(messages=[{"role": "user", "content": "sesame-4711"}]))
    await desk.call(body=chat_body(model="sesame-4711"))
    written = b"".join(encode_entry(entry) for entry in rig.log.written)
    logged = "".join(capfd.readouterr())
    for secret in ("sesame-4711", "All good"):
        assert secret.encode() not in written
        assert secret not in logged


async def test_tokens_and_proofs_are_in_no_answer_entry_or_log_line(rig, capfd):
    """What opens the gate is not echoed, not even when it has expired."""
    desk = Desk(rig)
    token = desk.token()
    proof = desk.proof(token, "/v1/chat/completions")
    replies = [await desk.call(token=token, proof=proof) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 401]
    written = b"".join(encode_entry(entry) for entry in rig.log.written)
    logged = "".join(capfd.readouterr()).encode()
    for secret in (token.encode(), proof.encode()):
        assert all(secret not in data for data in (*(reply.raw for reply in replies), written, logged))
        assert all(secret not in request.head for request in rig.lab.requests)
