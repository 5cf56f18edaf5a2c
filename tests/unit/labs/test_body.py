"""Calls: what the gate reads in a body is what every lab reads in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.labs import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    SURFACES,
    BadCall,
    Call,
    CallTooDeep,
    dialect_named,
)
from sekisho.labs.body import MAX_BYTES_OUTSIDE_TEXTS, MAX_DEPTH, MAX_TOKENS


def parse(surface, body) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return dialect_named(surface.dialect).parse_call(surface, raw)


@pytest.mark.parametrize(
    ("surface", "body", "expected"),
    [
        (OPENAI_CHAT, {"model": "m"}, ("m", False, None, 1)),
        (OPENAI_CHAT, {"model": "m", "stream": None, "n": None, "max_tokens": None}, ("m", False, None, 1)),
        (OPENAI_CHAT, {"model": "m", "stream": True, "max_tokens": 5, "n": 3}, ("m", True, 5, 3)),
        (OPENAI_CHAT, {"model": "m", "max_tokens": 5, "max_completion_tokens": 7}, ("m", False, 7, 1)),
        (OPENAI_CHAT, {"model": "m", "max_tokens": 7, "max_completion_tokens": 5}, ("m", False, 7, 1)),
        (OPENAI_RESPONSES, {"model": "ft:gpt-4:org::a1", "max_output_tokens": 9}, ("ft:gpt-4:org::a1", False, 9, 1)),
        (OPENAI_RESPONSES, {"model": "m", "background": False}, ("m", False, None, 1)),
        (ANTHROPIC_MESSAGES, {"model": "m", "max_tokens": MAX_TOKENS, "stream": True}, ("m", True, MAX_TOKENS, 1)),
    ],
)
def test_a_call_is_read(surface, body, expected):
    """Of two bounds the larger counts: a budget must hold whichever the lab obeys."""
    call = parse(surface, body)
    assert (call.model, call.stream, call.max_output_tokens, call.choices) == expected


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": ""},
        {"model": 7},
        {"model": ["m"]},
        {"model": "m" * 129},
        {"model": "m\n"},
        {"model": "模"},
        {"model": "../m"},
        {"stream": "true"},
        {"stream": 1},
        {"max_tokens": True, "max_output_tokens": True},
        {"max_tokens": 0, "max_output_tokens": 0},
        {"max_tokens": -1, "max_output_tokens": -1},
        {"max_tokens": 1.5, "max_output_tokens": 1.5},
        {"max_tokens": "9", "max_output_tokens": "9"},
        {"max_tokens": MAX_TOKENS + 1, "max_output_tokens": MAX_TOKENS + 1},
        {"Model": "other"},
        {"MODEL": "other"},
        {"Stream": True},
    ],
    ids=str,
)
def test_what_could_be_read_in_two_ways_is_refused(surface, change):
    """A lab that takes `"true"` for true, or `Model` for model, would run another call than was judged."""
    good = {"model": "m", "max_tokens": 9, "max_output_tokens": 9}
    assert parse(surface, good).model == "m"
    with pytest.raises(BadCall) as refused:
        parse(surface, {**good, **change})
    assert refused.value.reason is Reason.REQUEST_MALFORMED


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"model"',
        b'{"model":"m","model":"other","max_tokens":9}',
        b'{"model":"m","max_tokens":9,"\\u006dodel":"other"}',
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","role":"system"}]}',
        b'{"model":"m","max_tokens":9,"temperature":NaN}',
        b'{"model":"m","max_tokens":9,"temperature":1e999}',
        b'{"model":"m","max_tokens":9,"seed":' + b"9" * 5000 + b"}",
        b'{"model":"m","max_tokens":9}{}',
        b'{"model":"m","max_tokens":9,"x":"\xff"}',
        b'\xef\xbb\xbf{"model":"m","max_tokens":9}',
        '{"model":"m","max_tokens":9}'.encode("utf-16"),
    ],
    ids=range(15),
)
def test_json_that_is_not_strict_is_refused(surface, body):
    """A second `model` is the oldest way past a gate that reads the first."""
    with pytest.raises(BadCall):
        parse(surface, body)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_depth_is_refused_and_never_recursed_into(surface, opening):
    """Ten thousand levels get a code, not a RecursionError; so do levels hidden behind escapes and quotes."""
    for prefix in (b'{"model":"m","max_tokens":9,"x":', b'{"a\\"b\\\\":"[{","model":"m","max_tokens":9,"x":', b""):
        with pytest.raises(CallTooDeep) as refused:
            parse(surface, prefix + opening * 10_000)
        assert refused.value.reason is Reason.REQUEST_TOO_LARGE


@pytest.mark.parametrize("item", [b"[],", b"{},", b"1e5,", b'"",', b'{"a":1},', b" "])
def test_what_is_not_text_has_its_own_bound(item):
    """Eight megabytes of brackets held the event loop for over a second; of texts they take milliseconds."""
    padding = item * (MAX_BYTES_OUTSIDE_TEXTS // len(item.replace(b'"', b"").replace(b"a", b"")))
    with pytest.raises(CallTooDeep):
        dialect_named("openai").parse_call(OPENAI_CHAT, b'{"model":"m","x":[' + padding + b"0,0,0,0,0,0,0,0,0,0]}")
    text = b'{"model":"m","x":"' + b"[{" * (MAX_BYTES_OUTSIDE_TEXTS // 2) + b'"}'
    assert dialect_named("openai").parse_call(OPENAI_CHAT, text).model == "m"


def test_depth_up_to_the_limit_passes_and_brackets_in_texts_do_not_count():
    """A prompt full of brackets is a prompt; the limit is where it says."""

    def nested(levels: int) -> bytes:
        return b'{"model":"m","x":' + b"[" * levels + b"]" * levels + b"}"

    assert parse(OPENAI_CHAT, nested(MAX_DEPTH - 1)).model == "m"
    with pytest.raises(CallTooDeep):
        parse(OPENAI_CHAT, nested(MAX_DEPTH))
    assert parse(OPENAI_CHAT, {"model": "m", "x": '[{"\\' * 500}).model == "m"


@given(body=st.binary(max_size=300) | st.text(alphabet='{}[]":,\\u0mdel stream1.e', max_size=300).map(str.encode))
def test_noise_is_refused_with_our_own_error(body):
    """No parser's exception crosses the room's border, whatever the body."""
    for surface in SURFACES:
        with pytest.raises(BadCall):
            parse(surface, body)


def test_a_bad_body_is_not_kept_in_the_error():
    """A prompt must not reach a log through the exception that refused it."""
    with pytest.raises(BadCall) as refused:
        parse(OPENAI_CHAT, b'{"model":"m","input":"the secret prompt"')
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_background_is_not_carried():
    """The answer would be fetched past the gate: no outcome, no usage, nothing to cut."""
    with pytest.raises(BadCall, match="background"):
        parse(OPENAI_RESPONSES, {"model": "m", "background": True})


def test_messages_need_a_bound():
    """The API requires max_tokens; without it nothing could be reserved."""
    with pytest.raises(BadCall, match="max_tokens"):
        parse(ANTHROPIC_MESSAGES, {"model": "m"})


@given(
    options=st.sampled_from(
        [..., None, {}, {"include_usage": False}, {"include_usage": True}, {"include_obfuscation": False}]
    ),
    space=st.sampled_from([b"", b"\n ", b"\t"]),
)
def test_a_chat_stream_is_asked_for_its_usage_and_else_left_alone(options, space):
    """Only `stream_options.include_usage` changes; the rest means what the caller wrote."""
    value = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": "脆弱性 {\ud800"}],
        "temperature": 0.1,
    }
    if options is not ...:
        value["stream_options"] = options
    dialect, body = dialect_named("openai"), space + json.dumps(value).encode()
    prepared = json.loads(dialect.prepare_body(OPENAI_CHAT, body, dialect.parse_call(OPENAI_CHAT, body)))
    assert prepared.pop("stream_options")["include_usage"] is True
    value.pop("stream_options", None)
    assert prepared == value


def test_other_bodies_are_forwarded_byte_for_byte():
    """What need not change does not: the caller's digest and ours stay the same."""
    cases = [
        (OPENAI_CHAT, b' {"model" : "m", "max_tokens":9}'),
        (OPENAI_CHAT, b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'),
        (OPENAI_RESPONSES, b'{"model":"m","stream":true}'),
        (ANTHROPIC_MESSAGES, b'{"model":"m","stream":true,"max_tokens":9}'),
    ]
    for surface, body in cases:
        dialect = dialect_named(surface.dialect)
        assert dialect.prepare_body(surface, body, dialect.parse_call(surface, body)) == body


def test_options_that_are_no_object_are_refused():
    """What cannot be asked for its usage is not forwarded."""
    with pytest.raises(BadCall):
        dialect_named("openai").parse_call(OPENAI_CHAT, b'{"model":"m","stream":true,"stream_options":[]}')
