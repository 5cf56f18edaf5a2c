"""One bounded POST (src/sekisho/ledger/http_post.py), against servers that mean harm."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sekisho.ledger.http_post import MAX_ANSWER_SIZE_BYTES, Address, AddressRefused, Poster, PostFailed

OK = b"HTTP/1.1 200 OK\r\nContent-Type: Text/X.Tlog.Size; charset=x\r\nContent-Length: 2\r\n\r\n5\n"


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    """Serves one connection after the other, each by the next of the given functions; returns the address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(*handlers: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            for handle in handlers:
                try:
                    connection, _ = listener.accept()
                    with connection:
                        handle(connection)
                except OSError:
                    return

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/prefix/"

    yield serve
    for listener in listeners:
        # Closing alone does not wake who waits in accept.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


def post(url: str, timeout_s: float = 5.0) -> tuple[int, str, bytes]:
    poster = Poster(Address.parse(url), timeout_s=timeout_s)
    try:
        answer = poster.post("/add-checkpoint", b"body", content_type="text/plain")
    finally:
        poster.close()
    return answer.status, answer.content_type, answer.body


def test_the_path_goes_below_the_address_and_the_type_comes_bare(served: Callable[..., str]) -> None:
    """A prefix with or without a slash at its end; the type without parameters, in lower case."""
    requests: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        requests.append(connection.recv(65_536))
        connection.sendall(OK)

    assert post(served(answer)) == (200, "text/x.tlog.size", b"5\n")
    assert requests[0].startswith(b"POST /prefix/add-checkpoint HTTP/1.1\r\n")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_service_that_drips_is_hung_up_on(served: Callable[..., str], begin: bytes) -> None:
    """The timeout is for the whole exchange, and what ends by it is never taken for an answer."""

    def drip(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(begin)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.02)

    began = time.monotonic()
    with pytest.raises(PostFailed):
        post(served(drip, drip), timeout_s=0.5)
    assert time.monotonic() - began < 3


def test_an_endless_answer_is_refused(served: Callable[..., str]) -> None:
    """Read to the limit and no further."""

    def flood(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER_SIZE_BYTES + 10))

    with pytest.raises(PostFailed, match="more than"):
        post(served(flood))


def test_a_redirect_is_an_answer_like_any_other(served: Callable[..., str]) -> None:
    """The operator pinned the address; a service does not choose another one."""

    def redirect(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    assert post(served(redirect)) == (307, "", b"")


def test_a_kept_connection_that_was_closed_is_made_anew(served: Callable[..., str]) -> None:
    """Once; a service that closes at once each time has failed."""

    def answer_once(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(OK)

    poster = Poster(Address.parse(served(answer_once, answer_once)), timeout_s=5)
    assert poster.post("/", b"", content_type="text/plain").status == 200
    assert poster.post("/", b"", content_type="text/plain").status == 200
    poster.close()
    with pytest.raises(PostFailed):
        post(served(lambda connection: None, lambda connection: None))


def test_what_is_no_http_is_refused(served: Callable[..., str]) -> None:
    """Whatever comes, the caller gets an error of ours."""
    for garbage in (
        b"",
        b"\0" * 100,
        b"HTTP/9.9 x\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: -5\r\n\r\n",
        b"SSH-2.0\r\n",
    ):

        def answer(connection: socket.socket, garbage: bytes = garbage) -> None:
            connection.recv(65_536)
            connection.sendall(garbage)

        try:
            post(served(answer, answer))
        except PostFailed:
            continue
        assert garbage.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "url", ["", "witness.example", "ftp://w/", "http://", "https://u:p@w/", "http://w/?q", "http://w/#f", "http://w:x/"]
)
def test_an_address_is_http_with_a_host_and_nothing_hidden(url: str) -> None:
    """No user, query or fragment: what is not sent must not seem to be."""
    with pytest.raises(AddressRefused):
        Address.parse(url)
