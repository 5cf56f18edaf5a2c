"""Where a log's PostgreSQL database is: an address in a file of its owner's alone, since it holds a password.

Pure but for reading that file; needs no driver, so that the base install can say what is wrong with an address.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sekisho.ledger.errors import AddressRefused

# Beside the SQLite file that would hold the log: `decisions.db` gives way to what `decisions.postgres` names.
SUFFIX: Final = ".postgres"
# Far more than an address has; what is longer is another file.
_MAX_SIZE_BYTES: Final = 4_096
# What an address may set, as libpq spells it. Not `options`, `hostaddr` or `service`: they could undo what the store
# asks of its session, or lead to another server than the one that is named.
_PARAMETERS: Final = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey"})
# The only mode in which a server elsewhere is known to be the one named: the others encrypt for whoever answers.
_SAFE_MODE: Final = "verify-full"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """The database of one log. `parameters` are libpq's, with the password among them: they are never shown."""

    shown: str
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "PostgresAddress":
        """Return the address `postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslrootcert=…]`, or AddressRefused.

        A host that begins with `/` is the folder of a unix socket, as `?host=/run/postgresql`. A server on another
        machine is only spoken to over TLS, its certificate and name verified.
        """
        try:
            parts = urlsplit(text)
            further = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            port = parts.port
        except ValueError:
            # Not the text: a part of it may be the password.
            raise AddressRefused("not the address of a database") from None
        if parts.scheme != "postgresql" or parts.fragment:
            raise AddressRefused("an address begins with postgresql:// and has no #")
        unknown = sorted(set(further) - _PARAMETERS)
        if unknown:
            raise AddressRefused(f"an address does not set {unknown[0][:40]!r}")
        named = {
            "user": unquote(parts.username or ""),
            "host": further.get("host") or unquote(parts.hostname or ""),
            "dbname": unquote(parts.path.removeprefix("/")),
        }
        for name, value in named.items():
            if not value or "\0" in value:
                raise AddressRefused(f"an address names its {name}")
        secret = {"password": unquote(parts.password)} if parts.password else {}
        chosen = {"port": str(port)} if port else {}
        parameters = {**further, **named, **chosen, **secret, **_require_safe(named["host"], further.get("sslmode"))}
        return cls(f"{named['dbname']} at {named['host']}", parameters)


def find_store(sqlite: Path) -> Path | PostgresAddress:
    """Return what holds the log: the database that the file beside `sqlite` names, or `sqlite` where there is none.

    Raises AddressRefused.
    """
    path = sqlite.with_suffix(SUFFIX)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_SIZE_BYTES + 1)
    except FileNotFoundError:
        return sqlite
    except OSError as error:
        raise AddressRefused(f"cannot read {path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise AddressRefused(f"{path} can be read by others; it holds a password")
    lines = data.split(b"\n")
    if len(data) > _MAX_SIZE_BYTES or lines[1:] not in ([], [b""]) or not lines[0].isascii():
        raise AddressRefused(f"{path} is not one line of ASCII")
    return PostgresAddress.parse(lines[0].decode("ascii"))


def _require_safe(host: str, mode: str | None) -> dict[str, str]:
    """Return the TLS mode for `host`, or raise AddressRefused if a server elsewhere would be trusted unseen."""
    if _is_here(host):
        return {"sslmode": mode} if mode else {}
    if mode not in (None, _SAFE_MODE):
        raise AddressRefused(f"a server on another machine needs sslmode={_SAFE_MODE}")
    return {"sslmode": _SAFE_MODE}


def _is_here(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
