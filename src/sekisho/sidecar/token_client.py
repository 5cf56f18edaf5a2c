"""Keeps a principal supplied with tokens for one scope."""

from collections.abc import Generator
from types import TracebackType

import httpx2

from sekisho.core import Clock, IdSource
from sekisho.sidecar.errors import IssuerUnreachable
from sekisho.sidecar.token_exchange import HeldToken, Identity, read_token_answer, token_request, wanted_nonce
from sekisho.tokens import CallScope, SigningKey, make_proof


class TokenClient:
    """Asks for tokens and holds the latest until it must be renewed; leaving the context forgets it.

    Threads and tasks may share one: two that find no fresh token at once each ask for one, and either serves.
    """

    def __init__(
        self, *, issuer: str, principal_id: str, key: SigningKey, scope: CallScope, clock: Clock, ids: IdSource
    ) -> None:
        """`issuer`: its address without a path, exactly as the issuer names itself."""
        self._identity = Identity(principal_id=principal_id, issuer=issuer, key=key)
        self._scope = scope
        self._clock = clock
        self._ids = ids
        self._held: HeldToken | None = None

    def __enter__(self) -> "TokenClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held = None

    def fetch(self, http: httpx2.Client) -> HeldToken:
        """Return a fresh token, asking over `http` if none is held, or raise TokenDenied or another coded error."""
        exchange = self.exchange()
        try:
            request = next(exchange)
            while True:
                request = exchange.send(http.send(request))
        except StopIteration as end:
            held: HeldToken = end.value
            return held
        except httpx2.HTTPError as error:
            raise IssuerUnreachable(f"{self._identity.issuer}: {type(error).__name__}") from error

    def exchange(self) -> Generator[httpx2.Request, httpx2.Response, HeldToken]:
        """Yield the requests that have to be sent, take their answers (bodies read), return a fresh token.

        Without I/O, so that blocking and asynchronous callers share it. The issuer may ask for a nonce once.
        """
        held = self._held
        if held is not None and self._clock.now() < held.refresh_at:
            return held
        answer = yield self._request(nonce=None)
        nonce = wanted_nonce(answer)
        if nonce is not None:
            answer = yield self._request(nonce=nonce)
        self._held = read_token_answer(answer, at=self._clock.now())
        return self._held

    def forget(self, held: HeldToken) -> None:
        """Let go of `held`, because a gate refused it, unless it was replaced in the meantime."""
        if self._held is held:
            self._held = None

    def prove(self, held: HeldToken, *, method: str, url: str, nonce: str | None) -> str:
        """Return a proof for one request that goes with `held`. `url`: absolute."""
        return make_proof(
            key=self._identity.key,
            method=method,
            url=url,
            jti=self._ids.new("jti"),
            at=self._clock.now(),
            token=held.text,
            nonce=nonce,
        )

    def _request(self, *, nonce: str | None) -> httpx2.Request:
        return token_request(self._identity, self._scope, clock=self._clock, ids=self._ids, nonce=nonce)
