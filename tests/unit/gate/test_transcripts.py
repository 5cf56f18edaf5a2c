"""Step 11: where auditors are named, content is sealed before it is released, or nothing is released."""

import asyncio
import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_rig import (
    CHAT_REPLY,
    CREDENTIAL,
    Desk,
    MemoryLog,
    answer_with,
    chat_body,
    make_snapshot,
    open_rig,
    stream_bytes,
)

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.gate.transcripts import Transcripts
from sekisho.ledger import EntryKind
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.sealed_header import Belonging, decode_header, open_share
from sekisho.ledger.sealing import check_transcript, unseal
from sekisho.ledger.transcripts import TranscriptFolder, TranscriptStep
from sekisho.trust import Auditor, Auditors

KEYS = {name: AuditorKey(mlkem=name.encode().ljust(64), x25519=name.encode().ljust(32)) for name in ("a", "b", "c")}
AUDITORS = Auditors(threshold=2, members=tuple(Auditor(name=name, key=key.public) for name, key in KEYS.items()))
ORIGIN = "sekisho.example/calls/gate-0"


@pytest.fixture
def folder(tmp_path: Path) -> TranscriptFolder:
    made = TranscriptFolder(tmp_path / "transcripts")
    made.prepare()
    return made


@pytest.fixture
async def rig(folder: TranscriptFolder, tmp_path: Path) -> Any:
    """A gate whose programme has auditors."""
    async with open_rig(transcripts=tmp_path / "transcripts", ledger_timeout_s=0.5) as opened:
        opened.put(replace(make_snapshot(version=2), auditors=AUDITORS))
        yield opened


def files_below(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def opened(rig: Any, folder: TranscriptFolder, *names: str) -> tuple[bytes, bytes]:
    """Return request and answer of the one call, opened by two auditors and held against the ledger."""
    (intent,), (outcome,) = rig.log.bodies(EntryKind.CALL_INTENDED), rig.log.bodies(EntryKind.CALL_ANSWERED)
    sealed = folder.path_of(intent["request_id"]).read_bytes()
    assert hashlib.sha256(sealed).hexdigest() == outcome["sealed_sha256"]
    header, _ = decode_header(sealed)
    transcript = unseal(sealed, {name: open_share(header, name, KEYS[name]) for name in names or ("a", "c")})
    check_transcript(
        transcript,
        Belonging(log=ORIGIN, request_id=intent["request_id"], request_commitment=intent["request_commitment"]),
        response_commitment=outcome["response_commitment"],
        response_size_bytes=outcome["response_size_bytes"],
    )
    return transcript.request, transcript.response


async def test_a_calls_content_opens_for_its_auditors_and_matches_the_ledger(rig: Any, folder: Any) -> None:
    """Byte for byte what the caller sent and what it got."""
    body = json.dumps(chat_body()).encode()
    reply = await Desk(rig).call(body=body)
    assert reply.status == 200
    assert await opened(rig, folder) == (body, reply.body)
    assert CREDENTIAL.encode() not in b"".join(await opened(rig, folder))


async def test_so_does_a_streams(rig: Any, folder: Any) -> None:
    """Frame by frame, of any length; after the outcome nothing is left under way."""
    rig.lab.script = answer_with(stream_bytes(count=5_000))
    reply = await Desk(rig).call(body=chat_body(stream=True))
    assert reply.is_whole
    assert len(reply.body) > 4 * 65_536
    _, response = await opened(rig, folder)
    assert response == reply.body
    await rig.until(lambda: len(files_below(folder._root)) == 1)


async def test_an_answer_that_broke_off_is_sealed_as_far_as_it_was_passed_on(rig: Any, folder: Any) -> None:
    """What the caller got is what the commitment and the transcript say, no more."""
    rig.lab.script = answer_with(stream_bytes(count=50)[:4_000], then_close=True)
    reply = await Desk(rig).call(body=chat_body(stream=True))
    assert not reply.is_whole
    await rig.settled()
    _, response = await opened(rig, folder)
    assert reply.body.startswith(response)
    assert response


async def test_without_auditors_nothing_is_kept(folder: Any, tmp_path: Path) -> None:
    """Only commitments, as the charter has it."""
    async with open_rig(transcripts=tmp_path / "transcripts") as rig:
        assert (await Desk(rig).call()).status == 200
        (outcome,) = rig.log.bodies(EntryKind.CALL_ANSWERED)
        assert "sealed_sha256" not in outcome
        assert files_below(tmp_path / "transcripts") == []


async def test_a_request_that_cannot_be_sealed_goes_nowhere(tmp_path: Path) -> None:
    """No intent, no call, and the caller is told why."""
    async with open_rig(transcripts=tmp_path / "nowhere") as rig:
        rig.put(replace(make_snapshot(version=2), auditors=AUDITORS))
        reply = await Desk(rig).call()
        assert (reply.status, reply.code) == (503, Reason.NOT_SEALED.value)
        assert rig.lab.requests == []
        assert rig.log.bodies(EntryKind.CALL_INTENDED) == []
        assert [body["reason"] for body in rig.log.bodies(EntryKind.CALL_DENIED)] == [Reason.NOT_SEALED.value]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_cannot_be_sealed_is_not_released(rig: Any, folder: Any, stream: bool) -> None:
    """The outcome says so, commits to what was passed on, and names no transcript; nothing looks whole."""
    rig.lab.on_request = lambda: [path.unlink() for path in (folder._root / "under-way").iterdir()]
    if stream:
        rig.lab.script = answer_with(stream_bytes(count=5_000))
    reply = await Desk(rig).call(body=chat_body(stream=stream or None))
    (outcome,) = await rig.settled()
    assert outcome["outcome"] == Reason.NOT_SEALED.value
    assert "sealed_sha256" not in outcome
    assert b"[DONE]" not in reply.body
    if stream:
        assert not reply.is_whole
        assert len(reply.body) > outcome["response_size_bytes"] > 0
    else:
        assert reply.code == Reason.NOT_SEALED.value
        assert CHAT_REPLY not in reply.raw
        assert (outcome["response_size_bytes"], outcome["response_commitment"]) == (0, None)


async def test_a_call_that_the_ledger_refuses_leaves_no_transcript(rig: Any, folder: Any) -> None:
    """Content without an entry would be content without a reason."""
    rig.log.mode = "fail"
    assert (await Desk(rig).call()).code == Reason.LEDGER_UNAVAILABLE.value
    await rig.until(lambda: files_below(folder._root) == [])


async def test_a_disk_that_hangs_denies_and_holds_nothing_up(rig: Any, folder: Any) -> None:
    """The call is refused in its time; what the thread does later leaves nothing behind."""
    hung = threading.Event()
    hangs: Any = lambda step: hung.wait(5) if step is TranscriptStep.BEGUN else None  # noqa: E731
    rig.gate.parts.transcripts._folder = TranscriptFolder(folder._root, hangs)
    reply = await asyncio.wait_for(Desk(rig).call(), 2)
    assert reply.code == Reason.NOT_SEALED.value
    assert files_below(folder._root) != []
    hung.set()
    await rig.until(lambda: files_below(folder._root) == [])


async def test_two_calls_at_once_keep_their_transcripts_apart(rig: Any, folder: Any) -> None:
    """Many at once, each its own content."""
    bodies = [json.dumps(chat_body(user=f"u{number}")).encode() for number in range(20)]
    await asyncio.gather(*(Desk(rig).call(body=body) for body in bodies))
    outcomes = {body["request_id"]: body for body in rig.log.bodies(EntryKind.CALL_ANSWERED)}
    kept = []
    for request_id in outcomes:
        sealed = folder.path_of(request_id).read_bytes()
        header, _ = decode_header(sealed)
        assert header.belonging.request_id == request_id
        kept.append(unseal(sealed, {name: open_share(header, name, KEYS[name]) for name in "ab"}).request)
    assert sorted(kept) == sorted(bodies)


async def test_erased_content_is_gone_and_the_entries_stay(rig: Any, folder: Any) -> None:
    """Salts and file; what cannot be destroyed now is destroyed later, by itself."""
    await Desk(rig).call()
    transcripts, written = rig.gate.parts.transcripts, list(rig.log.written)
    (call,) = await transcripts.find(["req_" + "9" * 26, rig.log.bodies(EntryKind.CALL_INTENDED)[0]["request_id"]])
    assert (call.intent_index, call.is_over) == (0, True)
    rig.log.mode = "fail"
    assert not await transcripts.erase([call.request_id])
    assert rig.log.private[0] is not None
    rig.log.mode = "ok"
    await transcripts.pay_owed()
    assert rig.log.private[:2] == [None, None]
    assert files_below(folder._root) == []
    assert rig.log.written == written
    assert await transcripts.erase([call.request_id])


async def test_a_call_under_way_is_not_over_and_a_gap_from_before_is(rig: Any, folder: Any) -> None:
    """A call that runs cannot be erased; one whose outcome a crash took can."""
    never = asyncio.Event()

    async def wait(request: Any, writer: Any) -> None:
        await never.wait()

    rig.lab.script = wait
    call = asyncio.ensure_future(Desk(rig).call())
    await rig.until(lambda: rig.lab.requests != [])
    transcripts: Transcripts = rig.gate.parts.transcripts
    request_id = rig.log.bodies(EntryKind.CALL_INTENDED)[0]["request_id"]
    assert [one.is_over for one in await transcripts.find([request_id])] == [False]
    transcripts._began_at = 1
    assert [one.is_over for one in await transcripts.find([request_id])] == [True]
    never.set()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_more_work_than_the_gate_has_calls_is_refused(folder: Any) -> None:
    """A queue behind a disk that hangs has an end."""
    transcripts = Transcripts(folder, MemoryLog(), origin=ORIGIN, began_at=0, randomness=bytes, timeout_s=0.05)
    transcripts._waiting = 4_096
    with pytest.raises(Denied):
        await transcripts.run(lambda: None)
    transcripts._waiting = 0
    transcripts.close()
    with pytest.raises(Denied):
        await transcripts.run(lambda: None)
    transcripts.post(lambda: None)
