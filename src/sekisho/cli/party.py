"""`sekisho party`: a party's own key, made and kept where the party is."""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sekisho.cli.options import AsJson
from sekisho.cli.output import show
from sekisho.core import SekishoError, Window
from sekisho.server.system import SystemClock
from sekisho.trust import PartyKey, check_party_name, key_payload, raw_key

# A year: long enough for a charter's life, short enough that a forgotten key ends by itself.
KEY_TERM = timedelta(days=365)

app = typer.Typer(help="A party's own key for signing documents.", no_args_is_help=True)


class KeyFileRefused(SekishoError):
    """The file cannot be written, or holds no Ed25519 private key."""

    code: ClassVar[str] = "SKS-CLI-011"
    hint = "Make a key with `sekisho party keygen`; it is never written over a file that exists."


@app.callback()
def noun() -> None:
    """A party's own key for signing documents."""


@app.command()
def keygen(
    party: Annotated[str, typer.Option(help="The party's name in the charter, such as home-gov.")],
    out: Annotated[Path, typer.Option(help="Where the private key goes (PEM, readable by you alone).")],
    as_json: AsJson = False,
) -> None:
    """Make an Ed25519 key, and print the entry for `keys` of this party in the charter (JSON; public)."""
    check_party_name(party)
    key = Ed25519PrivateKey.generate()
    write_key(out, key)
    # Whole seconds: a charter written now, by people, opens no earlier than its keys.
    at = SystemClock().now().replace(microsecond=0)
    entry = PartyKey(raw=raw_key(key.public_key()), window=Window(opens=at, closes=at + KEY_TERM))
    if as_json:
        show({"party": party, "key_id": entry.key_id, "key": key_payload(entry)}, as_json=True)
        return
    print(json.dumps(key_payload(entry)))
    print(f"made key {entry.key_id} of {party} in {out}", file=sys.stderr)


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write `key` to the new file `path` as PKCS #8 PEM, mode 0600, or raise KeyFileRefused."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        # O_EXCL: a key that is there may be the only one that a charter knows.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    except OSError as error:
        raise KeyFileRefused(f"cannot write {path}: {error.strerror}") from error


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 private key in the PEM file `path`, or raise KeyFileRefused."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileRefused(f"cannot read a private key from {path}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileRefused(f"{path} is not an Ed25519 key")
    return key
