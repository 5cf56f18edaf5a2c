"""What can go wrong with a case, its embargo, a release or a notice."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class CaseRefused(SekishoError):
    """The case lacks what every case must have, or holds what no case may."""

    code: ClassVar[str] = "SKS-DISCLOSURE-001"
    hint = "docs/disclosure.md lists what opens a case."


class EmbargoRefused(SekishoError):
    """The embargo cannot pass from its state to that one."""

    code: ClassVar[str] = "SKS-DISCLOSURE-002"
    hint = "docs/disclosure.md draws the states; one embargo is active at a time and none returns after its end."


class ReleaseRefused(SekishoError):
    """This content may not reach this ring now."""

    code: ClassVar[str] = "SKS-DISCLOSURE-003"
    hint = "docs/disclosure.md has the table of rings and levels; the embargo's end opens the wider ones."


class DetailLeaks(SekishoError):
    """A text meant for recipients holds a part of the finding."""

    code: ClassVar[str] = "SKS-DISCLOSURE-004"
    hint = "Say what to do, not what is wrong: leave out file, function, code, weakness and the finding's own words."


class CommitmentRefused(SekishoError):
    """The preimage does not open the commitment, or is not of the one form that is hashed."""

    code: ClassVar[str] = "SKS-DISCLOSURE-005"
    hint = "Hash the preimage exactly as it was published: canonical JSON, UTF-8, no newline."


class CaseUnknown(SekishoError):
    """No case has that id."""

    code: ClassVar[str] = "SKS-DISCLOSURE-006"
    hint = "List the institution's cases to see which ids there are."


class NotTheOwner(SekishoError):
    """Another institution owns the finding or the case."""

    code: ClassVar[str] = "SKS-DISCLOSURE-007"
    hint = "Only the institution that found the flaw opens its case and issues its notices."


class PublishRefused(SekishoError):
    """A notice could not be written where it should be."""

    code: ClassVar[str] = "SKS-DISCLOSURE-008"
    hint = "Check that the directory exists, is writable and holds no other notice of that name."
