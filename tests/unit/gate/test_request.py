"""Requests as bytes: what is read, what is refused, and that how they are cut into packets changes nothing."""

import contextlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.gate import limits
from sekisho.gate.errors import HttpRefused
from sekisho.gate.request import BodyPart, RequestEnd, RequestHead, RequestReader, split_target

HOST = b"Host: gate.example\r\n"


def read(*pieces: bytes, most: int = 1000) -> list[object]:
    """Return the events of `pieces`, body parts joined."""
    reader = RequestReader(max_body_bytes=most)
    events: list[object] = []
    for piece in pieces:
        for event in reader.receive(piece):
            if isinstance(event, BodyPart) and events and isinstance(events[-1], BodyPart):
                events[-1] = BodyPart(events[-1].data + event.data)
            else:
                events.append(event)
    return events


CHUNKED = (
    b"POST /v1/messages?beta=true HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)
PLAIN = b"POST /v1/responses HTTP/1.1\r\n" + HOST + b"X-Empty:\r\nContent-Length: 5\r\n\r\nabcde"


@pytest.mark.parametrize(
    ("data", "path", "query"), [(CHUNKED, "/v1/messages", "beta=true"), (PLAIN, "/v1/responses", "")]
)
def test_a_request_is_a_head_a_body_and_an_end(data, path, query):
    """RFC 9112 2.1: start line, fields, body."""
    head, body, end = read(data)
    assert isinstance(head, RequestHead)
    assert (head.method, head.path, head.query, head.keep_alive) == ("POST", path, query, True)
    assert body == BodyPart(b"abcde")
    assert end == RequestEnd(overrun=False)


@settings(deadline=None, max_examples=60)
@given(data=st.sampled_from([CHUNKED, PLAIN]), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_how_a_request_is_cut_changes_nothing(data, cuts):
    """TCP has no message borders: any cut gives the same events."""
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[a:b] for a, b in itertools.pairwise(ends)]
    assert read(*pieces) == read(data)


def test_requests_follow_one_another_on_one_reader():
    """RFC 9112 9.3: persistence."""
    reader = RequestReader(max_body_bytes=100)
    for _ in range(3):
        assert isinstance(reader.receive(PLAIN)[-1], RequestEnd)


def test_a_second_request_in_the_same_bytes_is_not_read():
    """RFC 9112 9.3.2: the gate does not pipeline; the first is answered, then the connection closes."""
    events = read(PLAIN + b"GET /v1/secret HTTP/1.1\r\n" + HOST + b"\r\n")
    assert events[-1] == RequestEnd(overrun=True)
    assert sum(isinstance(event, RequestHead) for event in events) == 1


def post(*fields: bytes, line: bytes = b"POST /v1/responses HTTP/1.1", body: bytes = b"") -> bytes:
    return line + b"\r\n" + b"".join(field + b"\r\n" for field in (b"Host: a", *fields)) + b"\r\n" + body


REFUSED = {
    "length and chunks": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunks and length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"abcde"),
    "two equal lengths": post(b"Content-Length: 5", b"Content-Length: 5", body=b"abcde"),
    "a list of lengths": post(b"Content-Length: 5, 5", body=b"abcde"),
    "a signed length": post(b"Content-Length: +5", body=b"abcde"),
    "a hexadecimal length": post(b"Content-Length: 0x5", body=b"abcde"),
    "an empty length": post(b"Content-Length:", body=b"abcde"),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked hidden in a list": post(b"Transfer-Encoding: identity, chunked", body=b"0\r\n\r\n"),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "two codings": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "a space before the colon": post(b"Content-Length : 5", body=b"abcde"),
    "a folded field": post(b"X: a", b" b"),
    "a bare line feed": b"POST /v1/responses HTTP/1.1\nHost: a\n\n",
    "a bare carriage return": post(b"X: a\rY: b"),
    "a nul": post(b"X: a\x00b"),
    "a bad chunk size": post(b"Transfer-Encoding: chunked", body=b"0x3\r\nabc\r\n0\r\n\r\n"),
    "a chunk ended by a line feed": post(b"Transfer-Encoding: chunked", body=b"3\nabc\n0\n\n"),
    "a trailer": post(b"Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 9\r\n\r\n"),
    "a huge chunk": post(b"Transfer-Encoding: chunked", body=b"fffffffffffffffff\r\n"),
    "two hosts": b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"POST / HTTP/1.1\r\n\r\n",
    "two tokens": post(b"Authorization: DPoP a", b"Authorization: DPoP b"),
    "two proofs": post(b"DPoP: a", b"DPoP: b"),
    "two content types": post(b"Content-Type: application/json", b"Content-Type: text/plain"),
    "a compressed body": post(b"Content-Encoding: gzip", b"Content-Length: 1", body=b"x"),
    "an upgrade": post(b"Upgrade: websocket", b"Connection: Upgrade"),
    "an upgrade to HTTP/2": post(b"Upgrade: h2c", b"HTTP2-Settings: AA", b"Connection: Upgrade, HTTP2-Settings"),
    "a strange expectation": post(b"Expect: magic"),
    "HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an absolute target": post(line=b"POST http://evil.example/v1/responses HTTP/1.1"),
    "an authority": post(line=b"CONNECT evil.example:443 HTTP/1.1"),
    "an asterisk": post(line=b"OPTIONS * HTTP/1.1"),
    "a HEAD": post(line=b"HEAD /v1/responses HTTP/1.1"),
    "a TRACE": post(line=b"TRACE /v1/responses HTTP/1.1"),
    "a percent sign": post(line=b"POST /v1/%72esponses HTTP/1.1"),
    "an encoded slash": post(line=b"POST /v1%2fresponses HTTP/1.1"),
    "a dot segment": post(line=b"POST /v1/../v1/responses HTTP/1.1"),
    "a double slash": post(line=b"POST //v1/responses HTTP/1.1"),
    "a backslash": post(line=b"POST /v1\\responses HTTP/1.1"),
    "a parameter": post(line=b"POST /v1/responses;a=b HTTP/1.1"),
    "a fragment": post(line=b"POST /v1/responses#a HTTP/1.1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_could_take_differently_is_refused(name):
    """RFC 9112 11.2: smuggling needs two readers that disagree; whatever could be read twice is not read at all."""
    with pytest.raises(HttpRefused) as refused:
        read(REFUSED[name])
    assert refused.value.status == 400
    assert refused.value.reason is Reason.REQUEST_MALFORMED


@pytest.mark.parametrize("name", REFUSED)
def test_and_so_it_is_byte_by_byte(name):
    """The same however it arrives."""
    data = REFUSED[name]
    with pytest.raises(HttpRefused):
        read(*(data[n : n + 1] for n in range(len(data))))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(b"X: " + b"a" * limits.MAX_HEAD_BYTES), 431),
        (post(*[b"X-%d: a" % n for n in range(limits.MAX_HEADER_FIELDS)]), 431),
        (post(line=b"POST /" + b"a" * limits.MAX_TARGET_BYTES + b" HTTP/1.1"), 431),
        (post(b"Content-Length: 1001"), 413),
        (post(b"Content-Length: 999999999999"), 413),
        (post(b"Transfer-Encoding: chunked", body=b"3e9\r\n" + b"a" * 1001 + b"\r\n"), 413),
    ],
)
def test_each_limit_has_its_status(data, status):
    """RFC 6585 5, RFC 9110 15.5.14."""
    with pytest.raises(HttpRefused) as refused:
        read(data)
    assert (refused.value.status, refused.value.reason) == (status, Reason.REQUEST_TOO_LARGE)


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "start",
    [
        b"POST /" + b"a" * 5000,
        b"POST / HTTP/1.1\r\nX: ",
        b"POST / HTTP/1.1\r\n" + b"X" * 9,
        CHUNKED + b"0\r\nX: ",
        CHUNKED + b"0\r\nX",
        CHUNKED + b"1\r\na\r\n0\r\nX: ",
        CHUNKED + b"1;",
    ],
)
def test_a_head_or_trailer_that_never_ends_is_refused_in_bounded_memory(start):
    """A parser that gathers a field in silence must not gather for ever."""
    reader = RequestReader(max_body_bytes=10)
    with pytest.raises(HttpRefused) as refused:  # noqa: PT012  # which piece is refused is not the law
        reader.receive(start)
        for _ in range(limits.MAX_HEAD_BYTES // 1000 + 2):
            reader.receive(b"a" * 1000)
    assert refused.value.status == 431


@given(path=st.text("/abc.-_~%\\;:@#?", max_size=12))
def test_a_target_has_one_spelling(path):
    """A path that passes is the path that was sent, and no resolver could shorten it."""
    try:
        got, _ = split_target(("/" + path).encode())
    except HttpRefused:
        return
    assert ("/" + path).startswith(got)
    assert not {"%", "\\", ";", "#"} & set(got)
    assert not {".", ".."} & set(got.split("/"))
    assert "//" not in got


@settings(deadline=None, max_examples=200)
@given(noise=st.binary(max_size=300))
def test_noise_is_refused_or_waited_for_never_a_traceback(noise):
    """Foreign exceptions do not cross: the parser's own errors become HttpRefused."""
    with contextlib.suppress(HttpRefused):
        read(noise)


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, len(CHUNKED) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_is_refused_or_still_one_request(at, byte):
    """However a request is damaged, no second request appears out of it."""
    data = CHUNKED[:at] + bytes([byte]) + CHUNKED[at + 1 :]
    try:
        events = read(data)
    except HttpRefused:
        return
    assert sum(isinstance(event, RequestHead) for event in events) <= 1
