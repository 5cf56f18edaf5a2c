"""What can be wrong with a token or a proof. Each error names the reason that the gate's log gives for it."""

from typing import ClassVar

from sekisho.core import Reason, SekishoError


class KeyRefused(SekishoError):
    """The key is not one that may be enrolled or used: kind, curve, encoding, or private members in it."""

    code: ClassVar[str] = "SKS-TOKENS-001"
    hint = "Use an Ed25519 or P-256 key; give the public JWK alone."


class TokenRefused(SekishoError):
    """The access token is not one that this issuer made for this audience."""

    code: ClassVar[str] = "SKS-TOKENS-010"
    hint = "Ask the control plane for a token for this gate."
    reason: ClassVar[Reason] = Reason.TOKEN_REFUSED


class TokenMissing(TokenRefused):
    """There is not exactly one access token under the DPoP scheme."""

    code: ClassVar[str] = "SKS-TOKENS-011"
    hint = "Send one Authorization header: DPoP, a space, the token."
    reason: ClassVar[Reason] = Reason.TOKEN_MISSING


class TokenExpired(TokenRefused):
    """The access token's time is over, or has not begun."""

    code: ClassVar[str] = "SKS-TOKENS-012"
    hint = "Ask the control plane for a new token, and check the clock."
    reason: ClassVar[Reason] = Reason.TOKEN_EXPIRED


class ProofRefused(SekishoError):
    """The DPoP proof is malformed, falsely signed, or was made for another request."""

    code: ClassVar[str] = "SKS-TOKENS-020"
    hint = "Make a new proof for this method, address and token."
    reason: ClassVar[Reason] = Reason.PROOF_REFUSED


class ProofMissing(ProofRefused):
    """There is not exactly one DPoP header."""

    code: ClassVar[str] = "SKS-TOKENS-021"
    hint = "Send one DPoP header, made with the key that the token is bound to."
    reason: ClassVar[Reason] = Reason.PROOF_MISSING


class ProofKeyMismatch(ProofRefused):
    """The proof was made with a key other than the one the token is bound to."""

    code: ClassVar[str] = "SKS-TOKENS-022"
    hint = "Use the key that the token was issued to."
    reason: ClassVar[Reason] = Reason.PROOF_KEY_MISMATCH


class ProofStale(ProofRefused):
    """The proof's time is too far from now."""

    code: ClassVar[str] = "SKS-TOKENS-023"
    hint = "Check the clock."
    reason: ClassVar[Reason] = Reason.PROOF_STALE


class NonceStale(ProofStale):
    """The proof carries no nonce of this server, or one that has run out."""

    code: ClassVar[str] = "SKS-TOKENS-024"
    hint = "Use the DPoP-Nonce of the latest answer."


class ProofReplayed(ProofRefused):
    """The proof was used before. Raised by whoever keeps the record (`Replays`)."""

    code: ClassVar[str] = "SKS-TOKENS-025"
    hint = "Make a new proof for each request."
    reason: ClassVar[Reason] = Reason.PROOF_REPLAYED


class AssertionRefused(SekishoError):
    """The client assertion is not this client's, not for this issuer, or not of this minute."""

    code: ClassVar[str] = "SKS-TOKENS-030"
    hint = "Make a new assertion with the enrolled key; its audience is the issuer."
    reason: ClassVar[Reason] = Reason.TOKEN_REFUSED


class ScopeRefused(SekishoError):
    """The authorization details are not one call scope of ours (RFC 9396)."""

    code: ClassVar[str] = "SKS-TOKENS-031"
    hint = 'Send one object: {"type": "sekisho_call", "asset": ID, "technique": NAME}.'
