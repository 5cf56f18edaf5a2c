"""What can go wrong on the defender's side, before a call reaches the gate."""

from typing import ClassVar

from sekisho.core import SekishoError


class KeyFileRefused(SekishoError):
    """The key file cannot be used: missing, readable by others, or not a key of ours."""

    code: ClassVar[str] = "SKS-SIDECAR-001"
    hint = "Keep the key in a file of your own with mode 0600; a key that others could read is spent."


class TokenDenied(SekishoError):
    """The issuer refused to give a token; the message holds its own words."""

    code: ClassVar[str] = "SKS-SIDECAR-010"
    hint = "Check the principal's id, that this key is the enrolled one, and this machine's clock."


class TokenAnswerGarbled(SekishoError):
    """The issuer's answer is not a token answer."""

    code: ClassVar[str] = "SKS-SIDECAR-011"
    hint = "Check the issuer's address; something else may be answering there."


class IssuerUnreachable(SekishoError):
    """The issuer could not be reached."""

    code: ClassVar[str] = "SKS-SIDECAR-012"
    hint = "Check the issuer's address and the network."


class WrongGate(SekishoError):
    """The request goes to another address than the gate that the token is for."""

    code: ClassVar[str] = "SKS-SIDECAR-013"
    hint = "Set the SDK's base_url to the gate's own address, as the token names it."


class ReceiptNotKept(SekishoError):
    """The receipt of a call could not be written to its file. The call was made; the message ends with the receipt."""

    code: ClassVar[str] = "SKS-SIDECAR-014"
    hint = "Copy the receipt out of this message, then see to the disk; or sign in without a file for receipts."
