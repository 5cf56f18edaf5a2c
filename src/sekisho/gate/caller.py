"""Who is calling, as step 2 proved it, and what for, as the token's claims say (RFC 9396)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A principal that proved its key. `jkt`: RFC 7638 thumbprint of the key; `asset_id` is None if none was named."""

    principal_id: str
    jkt: str
    asset_id: str | None
    case_id: str | None
    technique: str
