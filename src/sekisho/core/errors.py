"""The one base of every error that leaves a room."""

from typing import ClassVar


class SekishoError(Exception):
    """Base of every error that leaves a room: a code for programs, a message for this case, a hint for the way out.

    Subclasses set `code` and `hint`; `SomeError("what happened")` gives the message. A `hint` argument
    replaces the class's hint where this case has a better one. Never put a secret, a prompt or a finding's
    detail into a message: errors are printed and logged.
    """

    code: ClassVar[str] = "SKS-CORE-000"
    exit_code: ClassVar[int] = 2  # what the command line ends with; docs/cli.md lists them
    hint: str = "Run the command with --help, or see docs/errors.md for this code."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return f"error[{self.code}]: {self.message}\nhint: {self.hint}"

    def to_dict(self) -> dict[str, str]:
        """Return the error as `{"code", "message", "hint"}`, the shape that every JSON surface uses."""
        return {"code": self.code, "message": self.message, "hint": self.hint}
