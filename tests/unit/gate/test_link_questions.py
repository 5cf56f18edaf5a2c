"""What the control plane asks over the link about the content of calls."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gate_rig import Desk

from sekisho.core import SekishoError
from sekisho.gate import limits
from sekisho.gate.link import Hello, Link, Question, take_frame
from sekisho.ledger import EntryKind

HELLO = Hello(slot="gate-0", secret="s3cret", origin="sekisho.example/calls/gate-0", vkey="v")
ONE = f"req_{1:026d}"


def frame(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def test_a_question_is_read_field_by_field(rig: Any) -> None:
    """To locate or to erase, by request ids, not too many."""
    assert take_frame(rig.gate, frame({"ask": {"question": 3, "locate": [ONE]}})) == Question(number=3, locate=(ONE,))
    assert take_frame(rig.gate, frame({"ask": {"question": 0, "erase": [ONE]}})) == Question(number=0, erase=(ONE,))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"question": 1},
        {"locate": [ONE]},
        {"question": "1", "locate": [ONE]},
        {"question": 1, "locate": []},
        {"question": 1, "locate": ONE},
        {"question": 1, "locate": [1]},
        {"question": 1, "erase": ["../../x"]},
        {"question": 1, "erase": [ONE] * (limits.MAX_ASKED_CALLS + 1)},
        {"question": 1, "locate": [ONE], "erase": [ONE]},
        {"question": 1, "open": [ONE]},
        [],
    ],
)
def test_what_is_no_question_drops_the_link(rig: Any, asked: Any) -> None:
    """Nothing of it is done."""
    with pytest.raises(SekishoError):
        take_frame(rig.gate, frame({"ask": asked}))


async def test_questions_are_answered_from_the_log(rig: Any, tmp_path: Path) -> None:
    """Where a call is; that its content is gone; that it could not be destroyed, while the disk fails."""
    await Desk(rig).call()
    (intent,) = rig.log.bodies(EntryKind.CALL_INTENDED)
    request_id, told = intent["request_id"], asyncio.Queue[Any]()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while line := await reader.readline():
            if "told" in (value := json.loads(line)):
                told.put_nowait(value["told"])
        writer.transport.abort()

    server = await asyncio.start_unix_server(serve, path=tmp_path / "gate.sock")
    link = Link(rig.gate, socket=tmp_path / "gate.sock", hello=HELLO, read_checkpoint=lambda: None)
    running = asyncio.ensure_future(link.run())
    await rig.until(lambda: writers != [])

    async def ask(**what: Any) -> Any:
        writers[0].write(frame({"ask": what}))
        return await asyncio.wait_for(told.get(), 3)

    call = {"request_id": request_id, "intent_index": 0, "is_over": True, "sealed_sha256": None}
    assert await ask(question=1, locate=[request_id, f"req_{'9' * 26}"]) == {"question": 1, "calls": [call]}
    rig.log.mode = "fail"
    assert await ask(question=2, erase=[request_id]) == {"question": 2, "erased": False}
    rig.log.mode = "ok"
    assert await ask(question=3, erase=[request_id]) == {"question": 3, "erased": True}
    assert rig.log.private[:2] == [None, None]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    writers[0].transport.abort()
    await asyncio.sleep(0.01)
