"""The files of a log over HTTP: static files, read with GET, one after the other on one kept connection.

The server is not trusted. It can be slow, endless, wrong or somebody else; what it sends is judged like a folder's
files. Nothing is followed, unpacked or guessed: no redirect (it could lead to another host), no content encoding (it
could unpack without end), no proxy. TLS is verified; a private authority comes in by SSL_CERT_FILE or SSL_CERT_DIR.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from sekisho.core.errors import SekishoError
from sekisho.ledger.http_post import Address
from sekisho.ledger.report import printable
from sekisho.ledger.source import Folder, Source

# From the first byte sent to the last one read, of one file: 17 MB (the largest bundle) at 150 kB a second.
TIMEOUT_S: Final = 120.0
# Complete tiles and bundles never change. What fits here is fetched once, though a verification may read it twice.
KEPT_SIZE_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536
_MISSING: Final = frozenset({404, 410})


class WebUnavailable(SekishoError):
    """The server did not serve the file: no verdict on the log."""

    code: ClassVar[str] = "SKS-LEDGER-021"
    hint = "Check address, network and certificate. A copy of the folder that came by other means verifies too."


def open_source(place: str) -> Source:
    """Return the files at `place`: a path of this machine, or an http or https address. Raises AddressRefused.

    Nothing is looked at yet, so any folder is taken; anything else that reads like an address is refused.
    """
    return Web.at(place) if "://" in place else Folder(Path(place))


class Web:
    """The files below one address. Not for several threads."""

    def __init__(self, client: "_Client", path: str) -> None:
        self._client = client
        self._path = path

    @classmethod
    def at(cls, url: str, *, timeout_s: float = TIMEOUT_S) -> "Web":
        """Return the place at `url` (http or https), or raise AddressRefused. Nothing is fetched yet."""
        address = Address.parse(url)
        return cls(_Client(address, timeout_s), address.path)

    @property
    def place(self) -> str:
        return f"{self._client.host}{self._path}"

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2] or self._client.host

    @property
    def folder(self) -> Path | None:
        return None

    def below(self, path: str) -> Source:
        return Web(self._client, f"{self._path}/{path}")

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        return self._client.get(f"{self._path}/{path}", limit_bytes)


class _Client:
    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._kept: dict[str, bytes] = {}
        self._kept_size_bytes = 0

    def __del__(self) -> None:
        # Nothing is written here, so nothing is lost: the connection goes with the last place that reads over it.
        self._drop()

    @property
    def host(self) -> str:
        return f"{self._address.host}:{self._address.port}"

    def get(self, path: str, limit_bytes: int) -> bytes | None:
        if path in self._kept:
            return self._kept[path]
        data = self._fetch(path, limit_bytes)
        if data is not None and "/tile/" in path and self._kept_size_bytes + len(data) <= KEPT_SIZE_BYTES:
            self._kept[path] = data
            self._kept_size_bytes += len(data)
        return data

    def _fetch(self, path: str, limit_bytes: int) -> bytes | None:
        was_kept = self._connection is not None
        try:
            return self._exchange(path, limit_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop()
            # A server may close a connection that it kept; the file is then asked for once more on a new one.
            if not (was_kept and isinstance(error, http.client.RemoteDisconnected | ConnectionError)):
                raise self._failed(path, error) from error
        try:
            return self._exchange(path, limit_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop()
            raise self._failed(path, error) from error

    def _exchange(self, path: str, limit_bytes: int) -> bytes | None:
        """Steps: (1) ask; (2) the status; (3) the bytes are the file's own; (4) read them, all and no more."""
        ends_at = time.monotonic() + self._timeout_s
        connection = self._connect(ends_at)
        # (1)
        connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "sekisho"})
        with connection.getresponse() as response:
            # (2)
            if response.status in _MISSING:
                self._drop()
                return None
            if response.status != 200:
                raise ValueError(f"the server answers {response.status}")
            # (3)
            encoding = response.getheader("Content-Encoding", "identity").strip().lower()
            if encoding != "identity":
                raise ValueError("the server encodes the file, and was asked not to")
            # (4)
            data = _read(response, limit_bytes)
            if len(data) > limit_bytes or response.will_close:
                self._drop()
            return data

    def _connect(self, ends_at: float) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if self._connection is None and self._address.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        elif self._connection is None:
            self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        # Every read, of headers too, has the time that is left: a server that drips a byte at a time ends as well.
        self._connection.response_class = _response_until(ends_at)  # type: ignore[assignment]
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._timeout_s)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failed(self, path: str, error: Exception) -> WebUnavailable:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        return WebUnavailable(f"{self.host}{path}: {printable(reason[:200])}")


def _read(response: http.client.HTTPResponse, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    left = limit_bytes + 1
    while left > 0 and (part := response.read(min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    # http.client says nothing of an answer that ends before its Content-Length.
    if left > 0 and response.length:
        raise ValueError("the answer ends too early")
    return b"".join(parts)


class _Until(io.RawIOBase):
    """A socket's stream whose every read ends at one time."""

    def __init__(self, connected: socket.socket, ends_at: float) -> None:
        self._connected = connected
        self._stream = connected.makefile("rb", buffering=0)
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connected.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Socket:
    """What http.client reads an answer from."""

    def __init__(self, connected: socket.socket, ends_at: float) -> None:
        self._connected = connected
        self._ends_at = ends_at

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Until(self._connected, self._ends_at))


def _response_until(ends_at: float) -> Callable[..., http.client.HTTPResponse]:
    def response(connected: socket.socket, *args: Any, **more: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_Socket(connected, ends_at), *args, **more)  # type: ignore[arg-type]

    return response
