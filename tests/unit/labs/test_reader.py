"""Answers: whatever way the bytes are cut, the same frames pass and the same is known of them."""

import itertools
import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.labs import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    Answer,
    AnswerReader,
    Call,
    LabGarbled,
    Surface,
    dialect_named,
    require_content_type,
)
from sekisho.labs.reader import MAX_WHOLE_BYTES
from sekisho.labs.sse import MAX_FRAME_BYTES, FrameSplitter

from .conftest import EXAMPLES, Example, chat_example, frame, messages_example, responses_example


def reader_of(example: Example) -> AnswerReader:
    dialect = dialect_named(example.surface.dialect)
    return dialect.reader(example.surface, dialect.parse_call(example.surface, example.body), example.body)


def whole_reader(surface: Surface) -> AnswerReader:
    call = Call(model="m-1", stream=False, max_output_tokens=None)
    return dialect_named(surface.dialect).reader(surface, call, b"{}")


def read(reader: AnswerReader, *pieces: bytes) -> tuple[bytes, Answer]:
    shown = b"".join(reader.feed(piece) for piece in pieces)
    answer = reader.finish()
    return shown + answer.tail, answer


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.surface.name)
def test_a_stream_cut_at_every_byte_is_the_same_stream(example):
    """Chunks end anywhere: between CR and LF, inside a character, inside a field's name."""
    wire = example.wire
    pieces = [(wire[:cut], wire[cut:]) for cut in range(len(wire) + 1)]
    for cut in (*pieces, tuple(wire[i : i + 1] for i in range(len(wire)))):
        shown, answer = read(reader_of(example), *cut)
        assert shown == example.shown
        assert (answer.model, answer.input_tokens, answer.output_tokens, answer.complete, answer.lab_error) == (
            "m-1",
            31,
            3,
            True,
            None,
        )


@settings(deadline=None, max_examples=60)
@given(example=st.sampled_from(EXAMPLES), data=st.data())
def test_a_stream_cut_in_many_places_is_the_same_stream(example, data):
    """The same law for any number of pieces, empty ones included."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(example.wire)), max_size=30)))
    pieces = [example.wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(example.wire)], strict=True)]
    assert read(reader_of(example), *pieces)[0] == example.shown


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.surface.name)
def test_a_stream_that_breaks_off_anywhere_is_not_complete(example):
    """Only the end that the API defines makes an answer complete; what passed before it is whole frames."""
    wire = example.wire
    # All that a chat stream promises is there once the usage has come; its closing mark may end bare.
    last = sum(map(len, example.frames[:5])) if example.surface is OPENAI_CHAT else len(wire)
    # A CR alone ends a line too: the frame is whole without the LF of its last CR LF.
    last -= wire.endswith(b"\r\n")
    for cut in range(len(wire)):
        shown, answer = read(reader_of(example), wire[:cut])
        assert answer.complete == (cut >= last)
        assert example.shown.startswith(shown) or example.shown.startswith(shown.rstrip(b"\n"))


def test_the_usage_that_nobody_asked_for_is_read_and_not_passed_on():
    """The gate asks the lab for usage; a caller who did not would not expect a chunk without choices."""
    asked, unasked = chat_example(asks=True), chat_example()
    assert b"prompt_tokens" in read(reader_of(asked), asked.wire)[0]
    assert b"prompt_tokens" not in read(reader_of(unasked), unasked.wire)[0]


def test_several_choices_are_complete_when_all_have_finished():
    """Without its closing mark a chat stream counts only when every choice has a reason and the usage is known."""
    body = b'{"model":"m-1","stream":true,"n":2}'
    ends = [frame({"choices": [{"index": i, "finish_reason": "stop"}], "usage": None}) for i in range(2)]
    usage = frame({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    dialect = dialect_named("openai")
    call = dialect.parse_call(OPENAI_CHAT, body)
    for pieces, complete in (((ends[0], usage), False), (tuple(ends), False), ((*ends, usage), True)):
        assert read(dialect.reader(OPENAI_CHAT, call, body), *pieces)[1].complete is complete


ERRORS = [
    (
        chat_example,
        frame({"error": {"message": "secret", "type": "server_error", "code": "cyber_policy"}}),
        "cyber_policy",
    ),
    (chat_example, frame({"error": {"message": "secret", "type": "server_error", "code": 500}}), "server_error"),
    (chat_example, frame({"error": "secret words"}), "error"),
    (responses_example, frame({"type": "error", "code": "rate_limited", "message": "secret"}), "rate_limited"),
    (
        messages_example,
        frame({"type": "error", "error": {"type": "overloaded_error", "message": "secret"}}),
        "overloaded_error",
    ),
    (messages_example, frame({"type": "error", "error": {"type": "secret words"}}), "error"),
]


@pytest.mark.parametrize(("make", "error", "word"), ERRORS)
def test_a_labs_error_in_mid_stream_passes_and_is_no_completion(make, error, word):
    """The caller sees the lab's own error; we keep its word, never its message, which may quote the prompt."""
    example = make()
    shown, answer = read(reader_of(example), example.frames[0], error)
    assert shown == example.frames[0] + error
    assert (answer.complete, answer.lab_error) == (False, word)
    assert "secret" not in repr(answer)


def test_a_closing_mark_after_an_error_completes_nothing():
    """Some labs close the stream properly after they failed."""
    error = frame({"error": {"message": "x", "type": "server_error"}})
    example = chat_example()
    answer = read(reader_of(example), *example.frames[:4], error, example.frames[5])[1]
    assert (answer.complete, answer.lab_error) == (False, "server_error")


def test_a_failed_response_is_at_its_end_with_the_labs_word():
    """response.failed ends the stream as the API has it; what failed is said beside it."""
    failed = {"status": "failed", "model": "m-1", "usage": None, "error": {"code": "server_error", "message": "secret"}}
    answer = read(reader_of(responses_example()), frame({"type": "response.failed", "response": failed}))[1]
    assert (answer.complete, answer.lab_error, answer.output_tokens) == (True, "server_error", None)


GARBAGE = [
    b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    b"<html>\n\n</html>\n\n",
    b"HTTP/1.1 500\r\n\r\n",
    b'{"error":"not a stream"}\n\n',
    b"data: not json\n\n",
    b'data: {"choices":\n\n',
    b'data: {"choices": 7}\n\ndata: {"type": 7}\n\n',
    frame(
        {
            "type": "x",
            "choices": [],
            "model": "\n",
            **{name: {"type": "m", "model": "a\0b"} for name in ("response", "message")},
        }
    ),
    frame(
        {
            "type": "x",
            "choices": [],
            "model": "日本",
            "response": {"model": "日本"},
            "message": {"type": "m", "model": ""},
        }
    ),
    frame({"type": "x", "choices": [], "usage": {"prompt_tokens": -1, "input_tokens": -1}, "response": {"usage": 7}}),
    b"data: " + b"[" * 100_000 + b"\n\n",
    b"data: \xff\xfe\n\n",
    b"\x00\x01\x02\n\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("make", [chat_example, responses_example, messages_example])
def test_a_stream_of_something_else_is_garbled(make, garbage):
    """HTML, broken JSON, wrong types, impossible counts: a coded refusal, never a traceback, never an answer."""
    with pytest.raises(LabGarbled) as refused:
        read(reader_of(make()), garbage)
    assert refused.value.__suppress_context__ or refused.value.__cause__ is None


@settings(deadline=None)
@given(noise=st.binary(max_size=400), make=st.sampled_from([chat_example, responses_example, messages_example]))
def test_noise_never_raises_anything_of_its_own(noise, make):
    """Whatever a lab sends, the reader answers or raises LabGarbled, and noise is never complete."""
    try:
        answer = read(reader_of(make()), noise)[1]
    except LabGarbled:
        return
    assert not answer.complete


@pytest.mark.parametrize("make", [chat_example, responses_example, messages_example])
def test_nothing_comes_after_the_end(make):
    """A lab that goes on after its last event is garbled: that text would be counted by nobody."""
    example = make()
    reader = reader_of(example)
    reader.feed(example.wire)
    reader.feed(b": comment\n\n")
    with pytest.raises(LabGarbled):
        reader.feed(example.frames[0])


@given(text=st.text("\r\nx", max_size=12).map(str.encode))
def test_frames_end_at_two_line_ends_of_any_kind(text):
    """WHATWG HTML 9.2.5: CR LF, LF and CR end lines; a CR at the end of what has come may be half of one."""
    line_end = rb"(?:\r\n|\n|\r(?=[^\n]))"
    ends = [match.end() for match in re.finditer(line_end + rb"{2}", text)]
    frames = FrameSplitter().split(text)
    assert list(itertools.accumulate(map(len, frames))) == ends


def test_a_frame_without_end_is_given_up():
    """Memory per stream is bounded, whatever the lab sends."""
    reader = reader_of(chat_example())
    for _ in range(MAX_FRAME_BYTES // 65_536):
        reader.feed(b"data: " + b"x" * 65_530)
    with pytest.raises(LabGarbled, match="longer"):
        reader.feed(b"x")


WHOLE = [
    (
        OPENAI_CHAT,
        {
            "model": "m-1",
            "choices": [{"index": 0, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 31, "completion_tokens": 3},
        },
    ),
    (
        OPENAI_RESPONSES,
        {"model": "m-1", "status": "completed", "error": None, "usage": {"input_tokens": 31, "output_tokens": 3}},
    ),
    (
        ANTHROPIC_MESSAGES,
        {
            "type": "message",
            "model": "m-1",
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 1,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 20,
                "output_tokens": 3,
            },
        },
    ),
]


@pytest.mark.parametrize(("surface", "value"), WHOLE)
def test_a_reply_in_one_piece_passes_when_it_is_whole(surface, value):
    """Nothing is passed on before the JSON has proved to be what it should; then all of it, byte for byte."""
    body = json.dumps(value).encode()
    reader = whole_reader(surface)
    assert [reader.feed(body[i : i + 1]) for i in range(len(body))] == [b""] * len(body)
    assert reader.finish() == Answer(model="m-1", input_tokens=31, output_tokens=3, complete=True, tail=body)
    for cut in range(len(body)):
        with pytest.raises(LabGarbled):
            read(whole_reader(surface), body[:cut])


@pytest.mark.parametrize(("surface", "value"), WHOLE)
@pytest.mark.parametrize(
    "body", [b"<html></html>", b"[]", b"null", b'"x"', b"{}", b"\xff", b'{"a":' * 100_000, b"{} {}"]
)
def test_a_reply_of_something_else_is_garbled(surface, value, body):
    """The same for a reply in one piece."""
    with pytest.raises(LabGarbled):
        read(whole_reader(surface), body)


@pytest.mark.parametrize(
    ("surface", "value", "word"),
    [
        (
            OPENAI_CHAT,
            {"error": {"message": "secret", "type": "invalid_request_error", "code": None}},
            "invalid_request_error",
        ),
        (
            OPENAI_RESPONSES,
            {"error": {"message": "secret", "code": "invalid_access_program"}},
            "invalid_access_program",
        ),
        (OPENAI_RESPONSES, {"status": "in_progress", "error": None}, None),
        (
            ANTHROPIC_MESSAGES,
            {"type": "error", "error": {"type": "not_found_error", "message": "secret"}},
            "not_found_error",
        ),
    ],
)
def test_a_reply_that_is_an_error_or_not_done_is_not_complete(surface, value, word):
    """A lab's refusal is passed on with its word kept; a response still under way is no answer."""
    answer = read(whole_reader(surface), json.dumps(value).encode())[1]
    assert (answer.complete, answer.lab_error) == (False, word)


def test_a_reply_without_end_is_given_up():
    """Memory per reply is bounded, whatever the lab sends."""
    reader = whole_reader(OPENAI_CHAT)
    reader.feed(b"{")
    for _ in range(MAX_WHOLE_BYTES // 1_048_576 - 1):
        reader.feed(b" " * 1_048_576)
    reader.feed(b" " * 1_048_575)
    with pytest.raises(LabGarbled, match="longer"):
        reader.feed(b" ")


def test_white_space_before_a_reply_costs_no_more_than_its_length():
    """Some labs send a blank now and then while they think; reading all of it again each time stops the gate."""
    reader, began = whole_reader(OPENAI_CHAT), time.process_time()
    for _ in range(8_192):
        assert reader.feed(b" " * 256) == b""
    assert time.process_time() - began < 0.5  # 0.005 s; read anew each time it was 1.7 s
    with pytest.raises(LabGarbled):
        reader.feed(b" x")


def test_the_content_type_is_what_was_asked_for():
    """A proxy's error page that arrives with status 200 is not read as an answer."""
    stream, whole = (Call(model="m-1", stream=flag, max_output_tokens=None) for flag in (True, False))
    require_content_type(stream, "text/event-stream")
    require_content_type(stream, "Text/Event-Stream; charset=utf-8")
    require_content_type(whole, "application/json; charset=utf-8")
    for call, value in (
        (stream, "application/json"),
        (whole, "text/html"),
        (whole, None),
        (stream, ""),
        (whole, "json"),
    ):
        with pytest.raises(LabGarbled):
            require_content_type(call, value)
