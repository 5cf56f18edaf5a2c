"""The lab's credential on its way into a header; it is checked, never shown."""

import re

from sekisho.labs.errors import BadEndpoint

# RFC 9110 5.5: visible ASCII. A line break would let whoever writes the configuration add headers.
_CREDENTIAL = re.compile(r"[!-~]{1,4096}", re.ASCII)


def check_credential(credential: str) -> bytes:
    """Return `credential` as the bytes of a header value, or raise BadEndpoint, which does not repeat it."""
    if not _CREDENTIAL.fullmatch(credential):
        raise BadEndpoint("a credential that is not 1 to 4,096 characters of visible ASCII")
    return credential.encode("ascii")
