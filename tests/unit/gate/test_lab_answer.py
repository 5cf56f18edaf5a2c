"""A lab's answer as bytes."""

import itertools

import pytest
from gate_rig import CHAT_REPLY, STREAM_HEAD, chat_events, stream_bytes, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.gate import limits
from sekisho.gate.errors import LabRefused
from sekisho.gate.lab_answer import AnswerEnd, AnswerHead, AnswerPart, LabAnswerReader

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def read(*pieces: bytes) -> tuple[AnswerHead, bytes, AnswerEnd | None]:
    reader = LabAnswerReader()
    events = [event for piece in pieces for event in reader.receive(piece)]
    head, *rest = events
    assert isinstance(head, AnswerHead)
    body = b"".join(event.data for event in rest if isinstance(event, AnswerPart))
    return head, body, next((event for event in rest if isinstance(event, AnswerEnd)), None)


def test_an_answer_is_a_head_parts_and_an_end():
    """RFC 9112 2.1, informational answers skipped (RFC 9110 15.2)."""
    head, body, end = read(EARLY + whole(CHAT_REPLY))
    assert (head.status, body, end) == (200, CHAT_REPLY, AnswerEnd(reusable=True))


@pytest.mark.parametrize(
    ("data", "reusable"),
    [
        (whole(CHAT_REPLY), True),
        (whole(CHAT_REPLY, extra="Connection: close\r\n"), False),
        (whole(CHAT_REPLY, extra="Connection: x-hop, Close\r\n"), False),
        (whole(CHAT_REPLY).replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (whole(b"{}", status="429 Too Many Requests"), False),
        (whole(b"{}", status="500 Oops"), False),
    ],
)
def test_a_connection_is_reusable_when_nothing_can_be_left_in_it(data, reusable):
    """RFC 9112 9.3; and after an error nobody knows how much of the request was read."""
    assert read(data)[2] == AnswerEnd(reusable=reusable)


@settings(deadline=None, max_examples=60)
@given(cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_how_an_answer_is_cut_changes_nothing(cuts):
    """Any cut gives the same head, body and end."""
    data = EARLY + stream_bytes()
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[a:b] for a, b in itertools.pairwise(ends)]
    assert read(*pieces) == read(data)
    assert read(data)[1] == b"".join(chat_events())


def test_the_end_is_seen_only_where_the_framing_says_it():
    """RFC 9112 6.3: an answer that stops before its length is broken off, at every byte of it."""
    data = stream_bytes()
    for at in range(len(data)):
        reader = LabAnswerReader()
        events = reader.receive(data[:at]) + reader.receive_eof()
        assert not any(isinstance(event, AnswerEnd) for event in events)


def test_an_answer_without_framing_ends_with_its_connection():
    """RFC 9112 6.3, rule 8; such a connection cannot be used again."""
    reader = LabAnswerReader()
    reader.receive(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}")
    assert reader.receive_eof() == [AnswerEnd(reusable=False)]


@pytest.mark.parametrize(
    "data",
    [
        whole(b"{}") + whole(b"{}"),
        whole(b"", status="301 Moved", extra="Location: http://evil.example/\r\n"),
        whole(b"{}", extra="Content-Encoding: br\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ],
)
def test_an_answer_the_gate_would_not_pass_on_is_refused(data):
    """No redirection, no coded body, no second answer: a lab does not choose what the gate does next."""
    with pytest.raises(LabRefused):
        read(data)


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        EARLY + b"HTTP/1.1 103 Early Hints\r\nX",
        STREAM_HEAD + b"0\r\nX: ",
        STREAM_HEAD + b"0\r\nX",
        STREAM_HEAD + b"1;",
    ],
)
def test_what_never_ends_is_refused_in_bounded_memory(start):
    """A head, a trailer or a chunk's extension without end must not gather inside the parser."""
    reader = LabAnswerReader()
    with pytest.raises(LabRefused):  # noqa: PT012  # which piece is refused is not the law
        reader.receive(start)
        for _ in range(limits.MAX_LAB_HEAD_BYTES // 1000 + 2):
            reader.receive(b"a" * 1000)


def test_informational_answers_come_to_an_end():
    """A flood of 1xx answers is a head that never comes."""
    reader = LabAnswerReader()
    with pytest.raises(LabRefused):  # noqa: PT012  # which piece is refused is not the law
        for _ in range(limits.MAX_LAB_HEAD_BYTES // len(EARLY) + 2):
            reader.receive(EARLY)


@settings(deadline=None, max_examples=200)
@given(noise=st.binary(max_size=200))
def test_noise_is_refused_or_waited_for(noise):
    """A lab's garbage is LabRefused, never another exception."""
    reader = LabAnswerReader()
    try:
        reader.receive(noise)
        reader.receive_eof()
    except LabRefused:
        pass
