"""What passes between caller and lab, by lists."""

import itertools

import pytest
from gate_rig import CREDENTIAL
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.gate.forward import CredentialWatch, check_forwardable, encode_request, pick_fields
from sekisho.gate.lifeline import CutShort
from sekisho.gate.request import RequestHead
from sekisho.gate.settings import Upstream
from sekisho.labs import OPENAI_RESPONSES, Call, LabEndpoint, dialect_named


def head(query: str = "", **fields: bytes) -> RequestHead:
    return RequestHead(
        method="POST",
        path="/v1/responses",
        query=query,
        fields={name.replace("_", "-").encode(): value for name, value in fields.items()},
        body_bytes=0,
        keep_alive=True,
        expects_continue=False,
    )


@pytest.mark.parametrize(
    "bad",
    [
        head("api-version=2"),
        head("beta=true&beta=true"),
        head(content_type=b"text/plain"),
        head(anthropic_beta=b"a\xff"),
        head(openai_beta=b"a" * 600),
        head(anthropic_version=b""),
    ],
)
def test_what_would_be_dropped_or_damaged_is_refused_instead(bad):
    """A caller is never left to believe that the lab saw what it did not."""
    with pytest.raises(Denied) as denied:
        check_forwardable(bad)
    assert denied.value.reason is Reason.REQUEST_MALFORMED


@given(name=st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=30), value=st.binary(max_size=30))
def test_no_field_of_the_caller_passes_but_those_on_the_list(name, value):
    """Whatever a caller invents, the lab's request has the gate's own fields and the three on the list."""
    upstream = Upstream(
        party="lab-a",
        endpoint=LabEndpoint.parse("https://lab.example/base"),
        dialect=dialect_named("openai"),
        credential=CREDENTIAL,
    )
    crafted = RequestHead(
        method="POST", path="/v1/responses", query="", fields={name.encode(): value},
        body_bytes=0, keep_alive=True, expects_continue=False,
    )  # fmt: skip
    call = Call(model="m", stream=False, max_output_tokens=None)
    try:
        check_forwardable(crafted)
    except Denied:
        return
    data = encode_request(upstream, OPENAI_RESPONSES, crafted, call, b"{}")
    text, _, body = data.partition(b"\r\n\r\n")
    assert text.startswith(b"POST /base/v1/responses HTTP/1.1\r\nhost: lab.example\r\n")
    assert body == b"{}"
    assert text.count(b"\r\n") == (8 if name in {"anthropic-version", "anthropic-beta", "openai-beta"} else 7)


def test_fields_of_the_lab_that_carry_the_credential_do_not_pass():
    """Not even the harmless ones, if the lab puts the secret into them."""
    fields = {b"request-id": b"r-1", b"x-request-id": CREDENTIAL.encode(), b"retry-after": b"1\x00", b"server": b"x"}
    assert pick_fields(fields, CREDENTIAL) == ((b"request-id", b"r-1"),)


@given(before=st.binary(max_size=50), after=st.binary(max_size=50), cuts=st.lists(st.integers(0, 140), max_size=8))
def test_the_credential_is_found_however_it_is_cut(before, after, cuts):
    """Invariant 3: no way of cutting an answer into pieces gets the whole secret through."""
    data = before + CREDENTIAL.encode() + after
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    watch = CredentialWatch(CREDENTIAL)
    with pytest.raises(CutShort):  # noqa: PT012  # in which piece it ends is not the law
        for a, b in itertools.pairwise(ends):
            watch.check(data[a:b])


@given(pieces=st.lists(st.binary(max_size=60), max_size=6))
def test_ordinary_text_passes_the_watch(pieces):
    """No false alarm on what does not contain it."""
    watch = CredentialWatch(CREDENTIAL)
    for piece in pieces:
        watch.check(piece)


def test_a_stand_in_for_a_secret_is_not_looked_for():
    """A local model's `none` would be found in ordinary prose."""
    CredentialWatch("none").check(b"there is none")


@pytest.mark.parametrize(
    ("query", "line"), [("", b"POST /v1/responses "), ("beta=true", b"POST /v1/responses?beta=true ")]
)
def test_the_one_query_of_official_clients_passes(query, line):
    """Claude Code calls `/v1/messages?beta=true`; no other query does."""
    upstream = Upstream(
        party="lab-a",
        endpoint=LabEndpoint.parse("https://lab.example"),
        dialect=dialect_named("openai"),
        credential=CREDENTIAL,
    )
    check_forwardable(head(query))
    call = Call(model="m", stream=False, max_output_tokens=None)
    assert encode_request(upstream, OPENAI_RESPONSES, head(query), call, b"{}").startswith(line)
