"""The defender's private key in a file of its own: made here, read here, shown to nobody."""

import os
import stat
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sekisho.sidecar.errors import KeyFileRefused
from sekisho.tokens import SigningKey

# A P-256 key in PKCS #8 is 241 bytes of PEM.
MAX_FILE_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_key(path: Path, *, kind: Literal["p256", "ed25519"] = "p256") -> SigningKey:
    """Make a key, write it to the new file `path` (PKCS #8 PEM, 0600, durable) and return it, or raise KeyFileRefused.

    An existing file is never overwritten: the key in it may be enrolled.
    """
    private_key = generate_private_key(SECP256R1()) if kind == "p256" else Ed25519PrivateKey.generate()
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise KeyFileRefused(f"{path} exists", hint="Choose another file, or load the key that is there.") from error
    except OSError as error:
        raise KeyFileRefused(f"{path} cannot be written: {error.strerror}") from error
    return SigningKey(private_key)


def load_key(path: Path) -> SigningKey:
    """Return the key in the file `path`, or raise KeyFileRefused.

    Steps, all on one open file so that nothing can be exchanged in between: (1) a regular file, no link; (2) of
    this user, open to nobody else; (3) of bounded size; (4) one Ed25519 or P-256 key in PEM.
    """
    try:
        # (1)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            # (1), (2), (3)
            _check_file(path, os.fstat(file.fileno()))
            pem = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise KeyFileRefused(f"{path} cannot be read: {error.strerror}") from error
    # (4)
    return _parse_pem(path, pem)


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileRefused(f"{path} is not a regular file")
    if status.st_uid != os.geteuid():
        raise KeyFileRefused(f"{path} belongs to another user")
    if status.st_mode & _OTHERS:
        raise KeyFileRefused(f"{path} is open to other users: mode {stat.S_IMODE(status.st_mode):04o}")
    if status.st_size > MAX_FILE_BYTES:
        raise KeyFileRefused(f"{path} is larger than a key")


def _parse_pem(path: Path, pem: bytes) -> SigningKey:
    # Nothing is chained: a parser's error may quote what it read.
    try:
        private_key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileRefused(f"{path} holds no private key in PEM without a password") from None
    if not isinstance(private_key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise KeyFileRefused(f"{path} holds a key that is neither Ed25519 nor P-256")
    return SigningKey(private_key)
