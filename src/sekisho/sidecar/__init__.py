"""The defender's side: the key, tokens bound to it, and the proofs that an official SDK's requests carry.

The private key stays in its file and in the process that reads it: no log, repr or error shows it.
"""

from sekisho.sidecar.auth import SekishoAuth
from sekisho.sidecar.errors import (
    IssuerUnreachable,
    KeyFileRefused,
    ReceiptNotKept,
    TokenAnswerGarbled,
    TokenDenied,
    WrongGate,
)
from sekisho.sidecar.key import load_key, make_key
from sekisho.sidecar.receipts import ReceiptFile
from sekisho.sidecar.sign_in import sign_in
from sekisho.sidecar.token_client import TokenClient
from sekisho.sidecar.token_exchange import HeldToken

__all__ = [
    "HeldToken",
    "IssuerUnreachable",
    "KeyFileRefused",
    "ReceiptFile",
    "ReceiptNotKept",
    "SekishoAuth",
    "TokenAnswerGarbled",
    "TokenClient",
    "TokenDenied",
    "WrongGate",
    "load_key",
    "make_key",
    "sign_in",
]
