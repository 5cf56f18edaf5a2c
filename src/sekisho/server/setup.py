"""Make a data directory: keys, credentials and settings, each secret readable by its owner alone.

Running it again changes nothing that is there: a key is never replaced behind a log's back.
"""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.server.places import DataDir

GATE_SLOT = "gate-0"
# 8 MiB: the largest request that the labs' own limits let through with a few images in it.
MAX_BODY_BYTES = 8 * 1024 * 1024
# The kernel's limit for the path of a unix socket (sun_path, 108 bytes on Linux, 104 elsewhere).
MAX_SOCKET_PATH_BYTES = 100
MAX_PORT = 65_535
# It begins the logs' origins and, in a charter, the same grammar: a name that no charter takes would make a ledger
# that no charter can name.
_PROGRAMME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,80}[a-z0-9])?", re.ASCII)
# What `prepare` writes: a short prefix that says what it is for, and 32 random bytes.
_CREDENTIAL = re.compile(r"sk[ol]_[A-Za-z0-9_-]{43}", re.ASCII)


class SetupRefused(SekishoError):
    """The data directory cannot be used."""

    code: ClassVar[str] = "SKS-SERVER-001"
    hint = "Choose a folder that you own, with a short path, on a local disk."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator chose when the data directory was made. Ports of 0 are chosen by the system at each start."""

    programme: str
    control_host: str
    control_port: int
    gate_host: str
    gate_port: int
    gate_admin_port: int


DEFAULT_SETTINGS = Settings(
    programme="sekisho.example",
    control_host="127.0.0.1",
    control_port=8440,
    gate_host="127.0.0.1",
    gate_port=8441,
    gate_admin_port=8442,
)


def prepare(places: DataDir, settings: Settings) -> Settings:
    """Make what is missing below `places`, and return the settings in force; those already there win.

    Raises SetupRefused, for settings that nothing could be served with before anything is written.
    """
    _require_short(places.gate_socket)
    _check_settings(settings, where="the settings")
    try:
        return _make_missing(places, settings)
    except OSError as error:
        raise SetupRefused(f"cannot make {places.root}: {error.strerror}") from error


def _make_missing(places: DataDir, settings: Settings) -> Settings:
    # (1) The folders; the private ones closed to others before anything is written into them.
    # The ledger too: it is for members, and the folder around it may have been made by a hand, open to all.
    private = (places.root, places.run, places.control, places.notices, places.gate(GATE_SLOT), places.ledger)
    for folder in private:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # (2) The settings, once.
    if not places.settings.exists():
        write_private(places.settings, _encode_settings(settings))
    settings = read_settings(places)
    # (3) Keys and credentials, each once.
    gate = places.gate(GATE_SLOT)
    for key in (places.ledger_key, places.token_key, gate / "ledger.pem"):
        if not key.exists():
            write_private(key, _new_key_pem())
    if not places.office_token.exists():
        write_private(places.office_token, f"sko_{secrets.token_urlsafe(32)}\n".encode())
    if not places.link_token(GATE_SLOT).exists():
        write_private(places.link_token(GATE_SLOT), f"skl_{secrets.token_urlsafe(32)}\n".encode())
    # (4) The gate's configuration, and an empty list of labs until the operator names some.
    write_private(gate / "gate.json", json.dumps(_gate_config(places, settings), indent=2).encode() + b"\n")
    if not (gate / "labs.json").exists():
        write_private(gate / "labs.json", b'{"labs": []}\n')
    return settings


def write_private(path: Path, data: bytes) -> None:
    """Write `data` to `path`, durably: nobody else can read it, and a crash leaves the old or the new, whole."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        # Half a key or credential must not lie about under another name.
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def read_settings(places: DataDir) -> Settings:
    """Return the settings of a data directory, or raise SetupRefused."""
    try:
        value = jcs.parse(places.settings.read_bytes())
    except OSError as error:
        raise SetupRefused(f"no data directory at {places.root}", hint="Make one: sekisho serve --data DIR.") from error
    except jcs.JsonRefused as error:
        raise SetupRefused(
            f"{places.settings} is damaged: {error.message}", hint="Put the file back from a backup."
        ) from error
    fields = value if isinstance(value, Mapping) else {}
    where = str(places.settings)
    for name, kind in Settings.__annotations__.items():
        # Not isinstance: `true` is an int to Python, and no port.
        if type(fields.get(name)) is not kind:
            raise SetupRefused(f"{where} lacks {name}, or it is no {kind.__name__}")
    settings = Settings(**{name: fields[name] for name in Settings.__slots__})  # type: ignore[arg-type]  # checked above
    _check_settings(settings, where=where)
    return settings


def read_credential(path: Path) -> str:
    """Return the credential in the file `path`, or raise SetupRefused.

    Never an empty one: a file that a full disk cut to nothing would let everybody in who sends nothing.
    """
    try:
        text = path.read_bytes().decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise SetupRefused(f"cannot read the credential {path.name}") from error
    if not _CREDENTIAL.fullmatch(text):
        raise SetupRefused(
            f"{path.name} holds no credential", hint="Remove the file; the next `sekisho serve` makes a new one."
        )
    return text


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 private key in the PEM file `path`, or raise SetupRefused."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SetupRefused(f"cannot read the key {path.name}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SetupRefused(f"{path.name} is not an Ed25519 key")
    return key


def _new_key_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _encode_settings(settings: Settings) -> bytes:
    return json.dumps({name: getattr(settings, name) for name in Settings.__slots__}, indent=2).encode() + b"\n"


def _gate_config(places: DataDir, settings: Settings) -> dict[str, object]:
    return {
        "slot": GATE_SLOT,
        "host": settings.gate_host,
        "port": settings.gate_port,
        "admin_port": settings.gate_admin_port,
        "origin": None,
        "programme": settings.programme,
        "control_socket": str(places.gate_socket.resolve()),
        "run_file": str(places.gate_run(GATE_SLOT).resolve()),
        "max_body_bytes": MAX_BODY_BYTES,
    }


def _check_settings(settings: Settings, *, where: str) -> None:
    if not _PROGRAMME.fullmatch(settings.programme):
        raise SetupRefused(
            f"{where}: not a programme's name: {settings.programme[:80]!r}",
            hint="Use a host name in lower case that you own, such as programme.example.",
        )
    for name in ("control_port", "gate_port", "gate_admin_port"):
        if not 0 <= getattr(settings, name) <= MAX_PORT:
            raise SetupRefused(f"{where}: {name} is not 0 to {MAX_PORT}", hint="Choose another port; 0 takes any.")


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` durable: a rename is not, until its folder is flushed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_short(socket: Path) -> None:
    if len(str(socket.resolve()).encode()) > MAX_SOCKET_PATH_BYTES:
        raise SetupRefused("the path of the data directory is too long for a unix socket")
