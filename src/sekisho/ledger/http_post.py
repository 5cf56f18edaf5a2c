"""One bounded HTTP POST to a service that the operator named: a witness, a time-stamping authority.

Standard library alone, so that the base install can do it. No redirect is followed and no proxy of the environment is
taken: the operator pinned this address, and nobody else is to choose another one.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import urlsplit

from sekisho.core.errors import SekishoError

# A cosignature is 150 bytes (ML-DSA-44: 3.3 kB), a time stamp with its chain of certificates about 6 kB.
MAX_ANSWER_SIZE_BYTES: Final = 65_536
_USER_AGENT: Final = "sekisho"


class PostFailed(SekishoError):
    """The service did not answer in time, or not in HTTP."""

    code: ClassVar[str] = "SKS-LEDGER-080"
    hint = "Check the address and that the service is up; a checkpoint waits for it, entries do not."


class AddressRefused(SekishoError):
    """The text is not the address of a service."""

    code: ClassVar[str] = "SKS-LEDGER-081"
    hint = "Give an address such as https://witness.example/ without user, query or fragment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `content_type`: without parameters, in lower case; empty if there was none."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service is. `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Return the address that `url` says, or raise AddressRefused."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AddressRefused(f"not an address: {url[:120]!r}") from error
        # Printable ASCII only: a line break in it would write headers of its own.
        if not url.isascii() or not url.isprintable() or " " in url:
            raise AddressRefused(f"not an address: {url[:120]!r}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressRefused(f"not an http or https address: {url[:120]!r}")
        if parts.username is not None or parts.query or parts.fragment:
            raise AddressRefused(f"an address has no user, query or fragment: {parts.hostname}")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or (443 if parts.scheme == "https" else 80),
            path=parts.path.rstrip("/"),
        )


class Poster:
    """Posts to one service over one connection that is kept. `_lock` guards it: one request at a time."""

    def __init__(self, address: Address, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes, *, content_type: str) -> Answer:
        """Return the answer to `body` at `path` below the address, within the timeout in all, or raise PostFailed.

        An answer on a kept connection that the service closed meanwhile is asked for once more on a new one: what is
        posted here may be posted twice.
        """
        with self._lock:
            deadline = time.monotonic() + self._timeout_s
            was_kept = self._connection is not None
            try:
                return self._exchange(path, body, content_type, deadline)
            except (http.client.RemoteDisconnected, ConnectionError) as error:
                self._drop()
                if not was_kept:
                    raise self._failed(error) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._drop()
                raise self._failed(error) from error
            try:
                return self._exchange(path, body, content_type, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._drop()
                raise self._failed(error) from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _exchange(self, path: str, body: bytes, content_type: str, deadline: float) -> Answer:
        connection, taken = self._connect(deadline)
        # The socket's own timeout is for each read: a service could drip a byte at a time for ever.
        watchdog = threading.Timer(_left(deadline), _hang_up, (taken,))
        watchdog.daemon = True
        watchdog.start()
        try:
            headers = {"Content-Type": content_type, "User-Agent": _USER_AGENT}
            connection.request("POST", f"{self._address.path}{path}", body=body, headers=headers)
            response = connection.getresponse()
            data = response.read(MAX_ANSWER_SIZE_BYTES + 1)
        finally:
            watchdog.cancel()
        # An answer that ends with its connection looks whole when the watchdog cut it.
        _left(deadline)
        if len(data) > MAX_ANSWER_SIZE_BYTES:
            raise http.client.HTTPException(f"an answer of more than {MAX_ANSWER_SIZE_BYTES} bytes")
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return Answer(status=response.status, content_type=kind, body=data)

    def _connect(self, deadline: float) -> tuple[http.client.HTTPConnection, socket.socket]:
        if self._connection is None:
            host, port, timeout = self._address.host, self._address.port, _left(deadline)
            if self._address.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        if self._connection.sock is None:
            self._connection.connect()
        self._connection.sock.settimeout(_left(deadline))
        return self._connection, self._connection.sock

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, error: Exception) -> PostFailed:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        return PostFailed(f"{self._address.host}:{self._address.port}: {reason}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _hang_up(taken: socket.socket) -> None:
    with contextlib.suppress(OSError):
        taken.shutdown(socket.SHUT_RDWR)
