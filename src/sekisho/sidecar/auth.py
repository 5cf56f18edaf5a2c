"""Puts the token and the proof on every request that an official SDK sends: `httpx2.Client(auth=SekishoAuth(…))`."""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping

import httpx2

from sekisho.sidecar.errors import WrongGate
from sekisho.sidecar.token_client import TokenClient
from sekisho.sidecar.token_exchange import HeldToken

# What SDKs put in for the lab's own key; the gate holds that one, and a copy must not travel.
_SDK_CREDENTIALS = ("Authorization", "x-api-key", "api-key")


class SekishoAuth(httpx2.Auth):
    """Authenticates requests to one gate, for blocking and asynchronous clients alike.

    Each request gets a new proof with the gate's latest nonce. A 401 that brings a new nonce is answered once with
    another proof; any other 401 ends the token, so that the next call asks for one that the gate takes.
    """

    # The body may have to be sent twice.
    requires_request_body = True

    def __init__(self, *, tokens: TokenClient, keep_receipt: Callable[[Mapping[str, str]], None] | None = None) -> None:
        """`keep_receipt`: called with the headers of each answer, names in lower case, before the caller has it."""
        self._tokens = tokens
        self._keep_receipt = keep_receipt
        self._nonce: str | None = None

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Drive the exchange for `httpx2.Client`."""
        request.read()
        flow = self._authenticate(request)
        outgoing = next(flow)
        while True:
            answer = yield outgoing
            if outgoing is not request:
                answer.read()
            try:
                outgoing = flow.send(answer)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Drive the exchange for `httpx2.AsyncClient`."""
        await request.aread()
        flow = self._authenticate(request)
        outgoing = next(flow)
        while True:
            answer = yield outgoing
            if outgoing is not request:
                await answer.aread()
            try:
                outgoing = flow.send(answer)
            except StopIteration:
                return

    def _authenticate(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Yield what has to be sent, `request` last. Raises WrongGate and the errors of TokenClient.

        Steps: (1) a fresh token; (2) the request goes where the token may be seen; (3) no credential but ours;
        (4) a proof, and the request; (5) the nonce of the answer, and once more if it was refused for want of it;
        (6) the receipt.
        """
        # (1)
        held = yield from self._tokens.exchange()
        # (2)
        require_audience(request.url, held.audience)
        # (3)
        for name in _SDK_CREDENTIALS:
            request.headers.pop(name, None)
        request.headers["Authorization"] = f"DPoP {held.text}"
        # (4)
        used = self._nonce
        self._prove(request, held, nonce=used)
        answer = yield request
        # (5)
        fresh = self._take_nonce(answer)
        if answer.status_code == httpx2.codes.UNAUTHORIZED and fresh not in {None, used}:
            self._prove(request, held, nonce=fresh)
            answer = yield request
            self._take_nonce(answer)
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            self._tokens.forget(held)
        # (6)
        if self._keep_receipt is not None:
            self._keep_receipt(answer.headers)

    def _prove(self, request: httpx2.Request, held: HeldToken, *, nonce: str | None) -> None:
        # The raw path, as the gate sees it on the wire.
        url = f"{_origin(request.url)}{request.url.raw_path.decode('ascii')}"
        request.headers["DPoP"] = self._tokens.prove(held, method=request.method, url=url, nonce=nonce)

    def _take_nonce(self, answer: httpx2.Response) -> str | None:
        nonce: str | None = answer.headers.get("DPoP-Nonce")
        self._nonce = nonce or self._nonce
        return nonce


def require_audience(url: httpx2.URL, audience: str) -> None:
    """Raise WrongGate unless `url` lies at the origin `audience`."""
    try:
        wanted = httpx2.URL(audience)
    except httpx2.InvalidURL as error:
        raise WrongGate("the token names no address") from error
    if _origin(url) != _origin(wanted):
        raise WrongGate(f"the token is for {audience}, the request goes to {_origin(url)}")


def _origin(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
