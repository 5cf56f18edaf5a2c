"""What can go wrong with a hunt."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class TargetRefused(SekishoError):
    """What was named is not there, or not something that can be hunted."""

    code: ClassVar[str] = "SKS-HUNT-001"
    hint = "Name a folder, a .py file or a wheel."


class NothingToHunt(SekishoError):
    """The target holds no source file that an engine reads."""

    code: ClassVar[str] = "SKS-HUNT-002"
    exit_code: ClassVar[int] = 3
    hint = (
        "Name a folder with Python or Java source; tests, documentation and vendored code are left out (docs/hunt.md)."
    )


class ArchiveRefused(SekishoError):
    """The wheel is damaged, or unpacking it would leave its folder or fill the disk."""

    code: ClassVar[str] = "SKS-HUNT-003"
    hint = "Fetch the archive again and compare its digest; never unpack this one by other means."


class ReleaseUnreachable(SekishoError):
    """The package index cannot be reached, and no copy of the release is in the cache."""

    code: ClassVar[str] = "SKS-HUNT-004"
    hint = "Connect to the package index, or put the file into the cache folder: its digest is checked in any case."


class ReleaseRefused(SekishoError):
    """The index does not have the pinned release, or what it sent is another file."""

    code: ClassVar[str] = "SKS-HUNT-005"
    hint = "Compare the pinned SHA-256 with the one that the project published."


class EngineFailed(SekishoError):
    """An engine broke off, so that there is no result, not even an empty one."""

    code: ClassVar[str] = "SKS-HUNT-006"
    hint = "Hunt a smaller part of the target to find the file, and report it as docs/hunt.md says."


class ReportNotWritten(SekishoError):
    """The hunt is done, but its report could not be written."""

    code: ClassVar[str] = "SKS-HUNT-007"
    hint = "Name a file in a folder that exists and that you may write to."


class RulesUnreadable(SekishoError):
    """A knowledge file that was named cannot be read."""

    code: ClassVar[str] = "SKS-HUNT-008"
    hint = "Name a TOML file in UTF-8 of at most 1 MiB; docs/taint.md has an example."
