"""Step 9's bytes: what of a request reaches the lab, and what of an answer's head reaches the caller. Pure.

Both ways by a list of what may pass. The caller's token, proof, cookies, addresses and choice of account stop here,
and so does whatever would tell the caller about the institution's account at the lab.
"""

import re
from collections.abc import Iterable, Mapping

from sekisho.access import Denied
from sekisho.core import Reason
from sekisho.gate.answers import Field
from sekisho.gate.lifeline import CutShort
from sekisho.gate.request import RequestHead
from sekisho.gate.settings import Upstream
from sekisho.labs import Call, Surface

# What chooses a version or a feature of the API. Not what chooses an account (openai-organization, openai-project).
_TO_LAB = (b"anthropic-version", b"anthropic-beta", b"openai-beta")
# What a caller needs in order to wait, and to quote to the lab's support.
_TO_CALLER = (b"retry-after", b"retry-after-ms", b"request-id", b"x-request-id", b"openai-processing-ms")
# The one query that an official client sends, to a surface that is the same without it.
_QUERIES = frozenset({"", "beta=true"})
_VALUE = re.compile(rb"[\x20-\x7e]{1,512}")
# Anything shorter is a stand-in for a secret, and would be found in ordinary text.
MIN_SECRET_BYTES = 16


def check_forwardable(head: RequestHead) -> None:
    """Raise Denied (REQUEST_MALFORMED) if the head asks for something that the gate would have to drop silently."""
    media_type = head.fields.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if head.query not in _QUERIES or media_type != b"application/json":
        raise Denied(Reason.REQUEST_MALFORMED)
    for name in _TO_LAB:
        if name in head.fields and not _VALUE.fullmatch(head.fields[name]):
            raise Denied(Reason.REQUEST_MALFORMED)


def encode_request(upstream: Upstream, surface: Surface, head: RequestHead, call: Call, body: bytes) -> bytes:
    """Return the request to the lab, whole. `head` MUST have passed `check_forwardable`."""
    query = f"?{head.query}" if head.query else ""
    fields: list[Field] = [
        (b"host", upstream.endpoint.host_header),
        (b"user-agent", b"sekisho-gate"),
        (b"accept", b"text/event-stream" if call.stream else b"application/json"),
        # A coded answer could not be watched, and may be a bomb.
        (b"accept-encoding", b"identity"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *((name, head.fields[name]) for name in _TO_LAB if name in head.fields),
        *upstream.dialect.credential_headers(upstream.credential),
    ]
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    line = f"{surface.method} {upstream.endpoint.base_path}{surface.path}{query} HTTP/1.1\r\n".encode("ascii")
    return line + lines + b"\r\n" + body


def pick_fields(fields: Mapping[bytes, bytes], credential: str) -> tuple[Field, ...]:
    """Return what of a lab's header fields the caller may see."""
    secret = credential.encode()
    picked: Iterable[Field] = ((name, fields[name]) for name in _TO_CALLER if name in fields)
    return tuple((name, value) for name, value in picked if _VALUE.fullmatch(value) and secret not in value)


class CredentialWatch:
    """Looks for the lab's credential in what a lab sends back, across pieces. A lab that echoes it is cut off."""

    def __init__(self, credential: str) -> None:
        self._secret = credential.encode() if len(credential) >= MIN_SECRET_BYTES else b""
        self._tail = b""

    def check(self, data: bytes) -> None:
        """Raise CutShort (LAB_GARBLED) if the credential ends in `data`."""
        if not self._secret:
            return
        seen = self._tail + data
        if self._secret in seen:
            raise CutShort(Reason.LAB_GARBLED)
        self._tail = seen[-(len(self._secret) - 1) :]
