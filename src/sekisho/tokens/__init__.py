"""Access tokens, proofs of possession, client assertions: made and verified. Pure: time and records are passed in."""

from sekisho.tokens.access_token import (
    AccessToken,
    encode_key_set,
    issue_access_token,
    parse_key_set,
    peek_audience,
    verify_access_token,
)
from sekisho.tokens.client_assertion import (
    ASSERTION_TYPE,
    ClientAssertion,
    make_client_assertion,
    verify_client_assertion,
)
from sekisho.tokens.dpop import Binding, Proof, Replays, hash_token, make_proof, require_dpop_token, verify_proof
from sekisho.tokens.errors import (
    AssertionRefused,
    KeyRefused,
    NonceStale,
    ProofKeyMismatch,
    ProofMissing,
    ProofRefused,
    ProofReplayed,
    ProofStale,
    ScopeRefused,
    TokenExpired,
    TokenMissing,
    TokenRefused,
)
from sekisho.tokens.jwk import PublicKey, SigningKey, parse_jwk, parse_jwk_text, public_key_of
from sekisho.tokens.nonce import Nonces
from sekisho.tokens.scope import CallScope, encode_details, parse_details, parse_details_text

__all__ = [
    "ASSERTION_TYPE",
    "AccessToken",
    "AssertionRefused",
    "Binding",
    "CallScope",
    "ClientAssertion",
    "KeyRefused",
    "NonceStale",
    "Nonces",
    "Proof",
    "ProofKeyMismatch",
    "ProofMissing",
    "ProofRefused",
    "ProofReplayed",
    "ProofStale",
    "PublicKey",
    "Replays",
    "ScopeRefused",
    "SigningKey",
    "TokenExpired",
    "TokenMissing",
    "TokenRefused",
    "encode_details",
    "encode_key_set",
    "hash_token",
    "issue_access_token",
    "make_client_assertion",
    "make_proof",
    "parse_details",
    "parse_details_text",
    "parse_jwk",
    "parse_jwk_text",
    "parse_key_set",
    "peek_audience",
    "public_key_of",
    "require_dpop_token",
    "verify_access_token",
    "verify_client_assertion",
    "verify_proof",
]
