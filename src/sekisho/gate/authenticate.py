"""Step 2: who is calling. A token bound to a key, and a fresh proof of that key, for this request and no other.

Why a caller was refused stays inside; outside, every stranger gets the same bytes.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from sekisho.core import Clock, Reason
from sekisho.gate import answers, limits
from sekisho.gate.caller import Caller
from sekisho.gate.force import Force, Lease
from sekisho.gate.replay import ReplayWindow
from sekisho.gate.request import RequestHead
from sekisho.labs import unauthenticated_body
from sekisho.tokens import (
    AccessToken,
    Binding,
    Nonces,
    ProofRefused,
    TokenExpired,
    TokenRefused,
    require_dpop_token,
    verify_access_token,
    verify_proof,
)

_log = structlog.get_logger("sekisho.gate")
# Clocks that are kept right are set back by less; a proof that was used lives for a minute.
CLOCK_SET_BACK = timedelta(seconds=5)


class Authenticator:
    """Verifies tokens and proofs for one gate. `origin`: the configured external one, which Host never replaces."""

    def __init__(
        self, *, origin: str, lease: Lease, make_nonces: Callable[[], Nonces], replays: ReplayWindow, clock: Clock
    ) -> None:
        """`make_nonces`: returns nonces with a secret of their own, at the start and when the clock was set back."""
        self._origin = origin
        self._lease = lease
        self._make_nonces = make_nonces
        self._nonces = make_nonces()
        self._replays = replays
        self._clock = clock
        self._latest_at = clock.now()
        self._tokens: dict[bytes, AccessToken] = {}
        self._tokens_of: Force | None = None

    def nonce(self) -> bytes:
        """Return the nonce that the next proof should carry."""
        return self._nonces.current(self._now()).encode()

    def authenticate(self, head: RequestHead) -> Caller:
        """Return who is calling, or raise TokenRefused or ProofRefused, whose `reason` is for the log alone.

        (1) Exactly one token, under the DPoP scheme; (2) the token is the programme's, for this gate, and in time;
        (3) exactly one proof, of the token's key, for this method and path, fresh and first used.
        """
        at = self._now()
        # (1)
        text = require_dpop_token(_values(head, b"authorization"))
        # (2)
        token = self._verify_token(text, at)
        # (3) RFC 9449 4.3.
        proof = verify_proof(
            _values(head, b"dpop"),
            method=head.method,
            origin=self._origin,
            target=head.path,
            at=at,
            binding=Binding(token=text, jkt=token.jkt),
            nonces=self._nonces,
            replays=self._replays,
        )
        return Caller(
            principal_id=token.principal_id,
            jkt=proof.jkt,
            asset_id=token.asset,
            case_id=token.case,
            technique=token.technique,
        )

    def _now(self) -> datetime:
        """Return the time. If the clock was set back, no nonce from before is good any more.

        Proofs are remembered by time that only runs forward; set back far enough, the clock would make one good again
        that was used and forgotten.
        """
        at = self._clock.now()
        if at < self._latest_at - CLOCK_SET_BACK:
            self._nonces = self._make_nonces()
            self._latest_at = at
        self._latest_at = max(self._latest_at, at)
        return at

    def _verify_token(self, text: str, at: datetime) -> AccessToken:
        force = self._lease.latest
        if force is None:
            raise TokenRefused("no snapshot has come yet, so no issuer's key is known")
        self._forget_if_changed(force)
        digest = hashlib.sha256(text.encode("ascii")).digest()
        known = self._tokens.get(digest)
        if known is not None:
            if at >= known.expires_at:
                raise TokenExpired("the token's time is over")
            return known
        token = verify_access_token(text, keys=force.keys, issuer=force.snapshot.issuer, audience=self._origin, at=at)
        if len(self._tokens) >= limits.MAX_CACHED_TOKENS:
            self._tokens.clear()
        self._tokens[digest] = token
        return token

    def _forget_if_changed(self, force: Force) -> None:
        if self._tokens_of is force:
            return
        before, self._tokens_of = self._tokens_of, force
        # A withdrawn key takes its tokens with it.
        if before is None or (before.keys, before.snapshot.issuer) != (force.keys, force.snapshot.issuer):
            self._tokens.clear()


def reason_of(error: Exception) -> Reason:
    """Return why authentication failed, for the counts. What is not a refusal is a fault of ours, and refuses too."""
    if isinstance(error, TokenRefused | ProofRefused):
        return error.reason
    _log.error("authentication failed unexpectedly", error=type(error).__name__)
    return Reason.TOKEN_REFUSED


def encode_stranger_answer(nonce: bytes) -> bytes:
    """Return the one answer for everybody who is not authenticated, whatever the cause and the path (RFC 9449 9)."""
    fields = (
        answers.JSON,
        (b"www-authenticate", b'DPoP error="use_dpop_nonce", algs="Ed25519 ES256"'),
        (b"dpop-nonce", nonce),
    )
    return answers.encode_whole(401, fields, unauthenticated_body())


def _values(head: RequestHead, name: bytes) -> tuple[str, ...]:
    value = head.fields.get(name)
    return () if value is None else (value.decode("latin-1"),)
