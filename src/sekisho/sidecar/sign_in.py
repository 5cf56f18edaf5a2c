"""The sidecar put together for a Python program: the machine's clock, the system's randomness, a key from a file."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from sekisho.sidecar.auth import SekishoAuth
from sekisho.sidecar.key import load_key
from sekisho.sidecar.receipts import ReceiptFile
from sekisho.sidecar.token_client import TokenClient
from sekisho.tokens import CallScope

_ID_BYTES = 20


class _MachineClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # where time enters a defender's program, which has no server/


class _RandomIds:
    def new(self, prefix: str) -> str:
        return f"{prefix}_{secrets.token_hex(_ID_BYTES)}"


def sign_in(
    *,
    key_file: Path,
    principal_id: str,
    issuer: str,
    asset: str | None,
    technique: str = "find",
    case: str | None = None,
    receipts: Path | None = None,
) -> SekishoAuth:
    """Return what `httpx2.Client(auth=…)` takes, for calls about one asset, or raise KeyFileRefused.

    The first token is asked for when the first request is sent. `receipts`: a file to which each call's receipt is
    appended; raises ReceiptNotKept if it cannot be written.
    """
    tokens = TokenClient(
        issuer=issuer,
        principal_id=principal_id,
        key=load_key(key_file),
        scope=CallScope(technique=technique, asset=asset, case=case),
        clock=_MachineClock(),
        ids=_RandomIds(),
    )
    return SekishoAuth(tokens=tokens, keep_receipt=None if receipts is None else ReceiptFile(receipts).keep)
