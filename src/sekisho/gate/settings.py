"""The gate's own files in its folder: what it listens on, and the labs with their credentials.

`labs.json` is the one secret that this process exists to keep. It is read here, once; a value of `Upstream` never
shows its credential when printed.
"""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.gate import limits
from sekisho.gate.errors import BadSettings
from sekisho.labs import BadEndpoint, Dialect, LabEndpoint, UnknownDialect, dialect_named

_SLOT = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One lab: whose it is, where it is reached, how it is spoken to, and with what credential."""

    party: str
    endpoint: LabEndpoint
    dialect: Dialect
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What gate.json says. `origin`: the external origin, None to take the bound port's; `folder`: the slot's own."""

    slot: str
    host: str
    port: int
    admin_port: int
    origin: str | None
    programme: str
    control_socket: Path
    run_file: Path
    max_body_bytes: int
    folder: Path
    public: Path

    @property
    def log_name(self) -> str:
        """The name of this gate's log inside the ledger."""
        return f"calls/{self.slot}"

    @property
    def log_origin(self) -> str:
        """The origin line of this gate's log (C2SP tlog-checkpoint)."""
        return f"{self.programme}/{self.log_name}"


def read_settings(data: Path, slot: str) -> GateSettings:
    """Return the settings of `slot` below the data directory `data`, or raise BadSettings."""
    if not _SLOT.fullmatch(slot):
        raise BadSettings("a slot is a name such as gate-0")
    fields = _read_object(data / slot / "gate.json")
    if _text(fields, "slot") != slot:
        raise BadSettings("gate.json is another slot's")
    origin = fields.get("origin")
    return GateSettings(
        slot=slot,
        host=_text(fields, "host"),
        port=_port(fields, "port"),
        admin_port=_port(fields, "admin_port"),
        origin=None if origin is None else check_origin(_text(fields, "origin")),
        programme=_text(fields, "programme"),
        control_socket=Path(_text(fields, "control_socket")),
        run_file=Path(_text(fields, "run_file")),
        max_body_bytes=_number(fields.get("max_body_bytes", limits.DEFAULT_MAX_BODY_BYTES), most=2**30),
        folder=data / slot,
        public=data / "ledger" / "calls" / slot,
    )


def read_upstreams(path: Path) -> Mapping[str, Upstream]:
    """Return the labs of labs.json by party, or raise BadSettings. The file must be its owner's alone."""
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        raise BadSettings(f"{path.name} can be read by others; it holds credentials")
    listed = _read_object(path).get("labs")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise BadSettings("labs.json holds a list of labs")
    upstreams = [_upstream(item) for item in listed]
    if len({upstream.party for upstream in upstreams}) != len(upstreams):
        raise BadSettings("labs.json names a lab twice")
    return {upstream.party: upstream for upstream in upstreams}


def read_secret(path: Path) -> str:
    """Return the one line of text in `path`, or raise BadSettings."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise BadSettings(f"cannot read {path.name}") from None
    if not _VISIBLE.fullmatch(text):
        raise BadSettings(f"{path.name} is not one line of visible characters")
    return text


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 private key (PEM) in `path`, or raise BadSettings."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise BadSettings(f"cannot read the key {path.name}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSettings(f"{path.name} is not an Ed25519 key")
    return key


def check_origin(text: str) -> str:
    """Return `text` if it is an origin (RFC 6454) in its one spelling, or raise BadSettings."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or text != f"{parts.scheme}://{parts.netloc}" or not parts.hostname:
        raise BadSettings(
            "origin is http or https, host and port, nothing behind", hint="Such as https://gate.example."
        )
    return text


def _upstream(value: jcs.Json) -> Upstream:
    if not isinstance(value, Mapping):
        raise BadSettings("a lab is an object")
    try:
        dialect = dialect_named(_text(value, "dialect"))
        # Asked for here, so that a credential which cannot be sent is found at the start and not on a call.
        dialect.credential_headers(_text(value, "credential"))
        return Upstream(
            party=_text(value, "party"),
            endpoint=LabEndpoint.parse(_text(value, "base_url")),
            dialect=dialect,
            credential=_text(value, "credential"),
        )
    except (BadEndpoint, UnknownDialect) as error:
        raise BadSettings(error.message, hint=error.hint) from error


def _read_object(path: Path) -> Mapping[str, jcs.Json]:
    try:
        value = jcs.parse(path.read_bytes())
    except OSError as error:
        raise BadSettings(f"cannot read {path.name}: {error.strerror}") from error
    except SekishoError as error:
        raise BadSettings(f"{path.name}: {error.message}") from error
    if not isinstance(value, Mapping):
        raise BadSettings(f"{path.name} is not an object")
    return value


def _text(fields: Mapping[str, jcs.Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadSettings(f"{name} is text")
    return value


def _port(fields: Mapping[str, jcs.Json], name: str) -> int:
    return _number(fields.get(name), most=65_535)


def _number(value: jcs.Json, *, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadSettings(f"expected a whole number, at most {most}")
    return value
