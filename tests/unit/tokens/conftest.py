"""Keys of both kinds, and a record of used proofs."""

from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.tokens import ProofReplayed, SigningKey

P256 = SigningKey(derive_private_key(0x5E1D, SECP256R1()))
ED25519 = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


class Recorded:
    """Takes each proof once, for tests alone; shows what it was asked to keep."""

    def __init__(self) -> None:
        self.kept: dict[str, datetime] = {}

    def check_new(self, proof_id: str, until: datetime) -> None:
        if proof_id in self.kept:
            raise ProofReplayed("again")
        self.kept[proof_id] = until


@pytest.fixture(params=[P256, ED25519], ids=["p256", "ed25519"])
def key(request: pytest.FixtureRequest) -> SigningKey:
    """A signing key, of each kind in turn."""
    made: SigningKey = request.param
    return made


@pytest.fixture
def other_key(key: SigningKey) -> SigningKey:
    """Another key than `key`."""
    return ED25519 if key is P256 else P256


@pytest.fixture
def replays() -> Recorded:
    """An empty record of proofs."""
    return Recorded()
