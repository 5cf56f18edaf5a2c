"""Where a lab is reached: an address from the programme's configuration, never from a caller."""

import ipaddress
import re
from dataclasses import dataclass
from typing import ClassVar

from sekisho.labs.errors import BadEndpoint

_ADDRESS = re.compile(r"(https?)://([^/?#@\\\s]+)((?:/[A-Za-z0-9._~-]+)*)/?", re.ASCII)
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?", re.ASCII)
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabEndpoint:
    """A lab's address in parts. `host`: lower case, IPv6 without brackets; `base_path`: put before a surface's path."""

    DEFAULT_PORTS: ClassVar[dict[str, int]] = {"http": 80, "https": 443}

    scheme: str
    host: str
    port: int
    base_path: str

    @property
    def host_header(self) -> bytes:
        """The Host header of a request to it (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == self.DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")

    @classmethod
    def parse(cls, base_url: str) -> "LabEndpoint":
        """Return the endpoint at `base_url`, or raise BadEndpoint.

        Refused: schemes other than http and https, a user, a query, a fragment, dots as path segments, and hosts
        that resolvers read in several ways (`127.1`, `0x7f000001`).
        """
        match = _ADDRESS.fullmatch(base_url)
        if match is None:
            raise BadEndpoint("not an http or https address of host, port and path")
        scheme, authority, base_path = match.groups()
        if {".", ".."} & set(base_path.split("/")):
            raise BadEndpoint("a path with dots for segments")
        host, port = _split_authority(authority, default=cls.DEFAULT_PORTS[scheme])
        return cls(scheme=scheme, host=host, port=port, base_path=base_path)


def _split_authority(authority: str, *, default: int) -> tuple[str, int]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise BadEndpoint("not a host and a port")
    port = default if match[2] is None else int(match[2])
    if not 0 < port < 65536:
        raise BadEndpoint("a port that there is not")
    return _check_host(match[1].lower()), port


def _check_host(host: str) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    # A last label of digits or 0x… makes it an IPv4 address to the resolver (WHATWG URL 3.5), so it must be one.
    is_address = host.startswith("[") or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", bare.rsplit(".", 1)[-1]) is not None
    if not is_address:
        if len(bare) > 253 or not _NAME.fullmatch(bare):
            raise BadEndpoint("not a host name")
        return bare
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError as error:
        raise BadEndpoint("not an IP address") from error
