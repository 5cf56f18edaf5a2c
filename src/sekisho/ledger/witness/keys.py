"""A witness's keys, one file each, and the folder they lie in with the record. Private to the witness."""

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sekisho.ledger.files import make_folder, sync_folder
from sekisho.ledger.witness.errors import RecordMissing, WitnessKeyRefused
from sekisho.ledger.witness.head_record import HeadRecord
from sekisho.tlog.cosignature import CosignatureSigner

PrivateKey: TypeAlias = Ed25519PrivateKey | MLDSA44PrivateKey
# A name is one line of a file; no key name is anywhere near as long.
_MAX_NAME_SIZE_BYTES: Final = 1_024


class Algorithm(Enum):
    """What a witness signs with; the value is the name of the key's file without its ending."""

    ED25519 = "ed25519"
    ML_DSA_44 = "ml-dsa-44"


@dataclass(frozen=True, slots=True)
class WitnessDir:
    """The paths below a witness's data directory."""

    root: Path

    @property
    def name(self) -> Path:
        """The witness's name, one line."""
        return self.root / "name"

    @property
    def record(self) -> Path:
        return self.root / "record.db"

    @property
    def logs(self) -> Path:
        """The logs that are cosigned, one key a line."""
        return self.root / "logs"

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    def key(self, algorithm: Algorithm) -> Path:
        return self.root / f"{algorithm.value}.pem"


def make_key(places: WitnessDir, name: str, algorithm: Algorithm) -> CosignatureSigner:
    """Make the witness's key of this algorithm, with its record if it has no key yet, and return it.

    Steps: (1) the name can be a cosigner's; (2) a record for the first key, and for that one alone; (3) the record
    knows the key before the key's file is there. Raises KeyRefused, WitnessKeyRefused, RecordMissing,
    RecordUnavailable.
    """
    # (1)
    signer = CosignatureSigner(name, key := _generate(algorithm))
    try:
        # (2)
        make_folder(places.root)
        places.root.chmod(0o700)
        _require_free(places, name, algorithm)
        if not places.record.exists():
            HeadRecord.create(places.record)
        # (3)
        record = HeadRecord.open(places.record)
        try:
            record.add_key(signer.verifier.vkey)
        finally:
            record.close()
        if not places.name.exists():
            _write_new(places.name, f"{name}\n".encode())
        _write_new(places.key(algorithm), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        sync_folder(places.root)
    except OSError as error:
        raise WitnessKeyRefused(f"{error.filename or places.root}: {error.strerror or error}") from error
    return signer


def read_signers(places: WitnessDir) -> tuple[CosignatureSigner, ...]:
    """Return the witness's keys, at least one, or raise WitnessKeyRefused."""
    name = _read_name(places)
    present = [algorithm for algorithm in Algorithm if places.key(algorithm).exists()]
    if not present:
        raise WitnessKeyRefused(f"there is no key in {places.root}")
    return tuple(CosignatureSigner(name, _read_key(places.key(algorithm), algorithm)) for algorithm in present)


def _generate(algorithm: Algorithm) -> PrivateKey:
    return Ed25519PrivateKey.generate() if algorithm is Algorithm.ED25519 else MLDSA44PrivateKey.generate()


def _require_free(places: WitnessDir, name: str, algorithm: Algorithm) -> None:
    if places.key(algorithm).exists():
        raise WitnessKeyRefused(f"{places.key(algorithm)} is there already; a key is never replaced")
    if places.name.exists() and _read_name(places) != name:
        raise WitnessKeyRefused(f"this witness is named {_read_name(places)}")
    if any(places.key(other).exists() for other in Algorithm) and not places.record.exists():
        raise RecordMissing(f"there are keys in {places.root}, and no record")


def _read_name(places: WitnessDir) -> str:
    try:
        with places.name.open("rb") as file:
            return file.read(_MAX_NAME_SIZE_BYTES).decode("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessKeyRefused(f"cannot read the witness's name from {places.name}") from error


def _read_key(path: Path, algorithm: Algorithm) -> PrivateKey:
    wanted = Ed25519PrivateKey if algorithm is Algorithm.ED25519 else MLDSA44PrivateKey
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WitnessKeyRefused(f"cannot read a private key from {path}") from error
    if not isinstance(key, wanted):
        raise WitnessKeyRefused(f"{path} is not a key of {algorithm.value}")
    return key


def _write_new(path: Path, data: bytes) -> None:
    # O_EXCL: a key that is there may be the one that policies name.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
