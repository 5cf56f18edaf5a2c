"""The one error of the CSAF reader and writer."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class CsafRefused(SekishoError):
    """The document breaks the structure or a mandatory test of CSAF 2.0, which the message names."""

    code: ClassVar[str] = "SKS-FORMATS-022"
    hint = "CSAF 2.0 chapter 6.1 explains each mandatory test by its number."
