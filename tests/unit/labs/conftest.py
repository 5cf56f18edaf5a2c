"""Answers of labs as they come over the wire, a denial, and a loopback server that says what it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sekisho.labs import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, Answer, Denial, Surface

DENIAL = Denial(
    status=403,
    code="SKS-ACCESS-304",
    message_en="No grant in force lets this caller use the model that it asked for.",
    message_ja="この呼び出し元が要求したモデルを使える、有効な許可がありません。",
    change_en="Apply for a grant for this model.",
    change_ja="このモデルの許可を申請してください。",
    ask_en="the programme office",
    ask_ja="プログラム事務局",
    request_id="req_00000000000000000000000001",
)


def frame(value: object, event: str | None = None, end: str = "\n") -> bytes:
    """One server-sent event, its lines ended by `end`."""
    data = value if isinstance(value, str) else json.dumps(value)
    head = f"event: {event}{end}" if event else ""
    return f"{head}data: {data}{end}{end}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A surface, a caller's body, the lab's answer in frames, what the caller sees of it and what it comes to."""

    surface: Surface
    body: bytes
    frames: tuple[bytes, ...]
    hidden: frozenset[int]
    answer: Answer

    @property
    def wire(self) -> bytes:
        return b"".join(self.frames)

    @property
    def shown(self) -> bytes:
        return b"".join(part for number, part in enumerate(self.frames) if number not in self.hidden)


def chat_example(end: str = "\n", *, asks: bool = False) -> Example:
    """A chat stream as OpenAI sends it when usage is asked for, with a comment in it."""

    def chunk(**fields: object) -> bytes:
        return frame({"object": "chat.completion.chunk", "model": "m-1", "usage": None, **fields}, end=end)

    usage = {"prompt_tokens": 31, "completion_tokens": 3, "total_tokens": 34}
    frames = (
        chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]),
        f": keep-alive{end}{end}".encode(),
        chunk(choices=[{"index": 0, "delta": {"content": "脆弱性 \n data: x"}, "finish_reason": None}]),
        chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        chunk(choices=[], usage=usage),
        frame("[DONE]", end=end),
    )
    body = {"model": "m-1", "stream": True, "messages": []}
    if asks:
        body["stream_options"] = {"include_usage": True}
    return Example(
        surface=OPENAI_CHAT,
        body=json.dumps(body).encode(),
        frames=frames,
        hidden=frozenset() if asks else frozenset({4}),
        answer=Answer(model="m-1", input_tokens=31, output_tokens=3, complete=True, tail=b""),
    )


def responses_example(end: str = "\n", *, last: str = "completed") -> Example:
    """A streamed response."""
    usage = {"input_tokens": 31, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 30}}
    done = {"id": "resp_1", "status": last, "model": "m-1", "usage": usage, "error": None}
    events = (
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "model": "m-1"}},
        {"type": "response.output_text.delta", "delta": "脆弱性"},
        {"type": f"response.{last}", "response": done},
    )
    return Example(
        surface=OPENAI_RESPONSES,
        body=b'{"model":"m-1","stream":true,"input":"hi"}',
        frames=tuple(frame(event, str(event["type"]), end) for event in events),
        hidden=frozenset(),
        answer=Answer(model="m-1", input_tokens=31, output_tokens=3, complete=True, tail=b""),
    )


def messages_example(end: str = "\n") -> Example:
    """A streamed message, some of its input read from the cache."""
    message = {"type": "message", "model": "m-1", "usage": {"input_tokens": 1, "cache_read_input_tokens": 30}}
    events = (
        {"type": "message_start", "message": {**message, "content": []}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "脆弱性"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    )
    return Example(
        surface=ANTHROPIC_MESSAGES,
        body=b'{"model":"m-1","stream":true,"max_tokens":9,"messages":[]}',
        frames=tuple(frame(event, str(event["type"]), end) for event in events),
        hidden=frozenset(),
        answer=Answer(model="m-1", input_tokens=31, output_tokens=3, complete=True, tail=b""),
    )


MAKERS: tuple[Callable[[str], Example], ...] = (
    chat_example,
    lambda end: chat_example(end, asks=True),
    responses_example,
    lambda end: responses_example(end, last="incomplete"),
    messages_example,
)
EXAMPLES = tuple(make(end) for make in MAKERS for end in ("\n", "\r\n", "\r"))


@dataclass(slots=True)
class Script:
    """What the loopback server answers to every request, and what it saw."""

    base_url: str = ""
    status: int = 200
    content_type: str = "application/json"
    body: bytes = b"{}"


@pytest.fixture
def scripted_lab() -> Iterator[Script]:
    """A loopback HTTP server that answers every POST with the script."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(script.status)
            self.send_header("content-type", script.content_type)
            self.send_header("content-length", str(len(script.body)))
            self.end_headers()
            self.wfile.write(script.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    yield script
    server.shutdown()
    thread.join()
    server.server_close()
