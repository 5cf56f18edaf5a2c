"""Refusals that leave the room."""

from typing import ClassVar

from sekisho.core import SekishoError


class KnowledgeRefused(SekishoError):
    """A knowledge file is not of the form that docs/taint.md describes."""

    code: ClassVar[str] = "SKS-TAINT-001"
    hint = "Compare the file with docs/taint.md; the message names the entry."
