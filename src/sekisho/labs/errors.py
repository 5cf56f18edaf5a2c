"""What can be wrong with a caller's request to a lab, with a lab's answer, and with a lab's address."""

from typing import ClassVar

from sekisho.core import Reason, SekishoError


class BadCall(SekishoError):
    """The request's body is not one that this lab's API takes, or it could be read in two ways."""

    code: ClassVar[str] = "SKS-LABS-001"
    hint = "Send the JSON that the lab's own documentation describes; docs/labs.md says what is refused beyond it."
    reason: ClassVar[Reason] = Reason.REQUEST_MALFORMED


class CallTooDeep(BadCall):
    """The request's body is nested deeper, or has more beside its texts, than any real call."""

    code: ClassVar[str] = "SKS-LABS-002"
    hint = "Flatten the request, and write it without padding; the limits are in docs/labs.md."
    reason: ClassVar[Reason] = Reason.REQUEST_TOO_LARGE


class LabGarbled(SekishoError):
    """The lab's answer is not what its API promises: not JSON, not server-sent events, too large, or after its end."""

    code: ClassVar[str] = "SKS-LABS-003"
    hint = "Call again; if it stays so, tell the lab."
    reason: ClassVar[Reason] = Reason.LAB_GARBLED


class BadEndpoint(SekishoError):
    """The programme's configuration names an address or a credential that no call may be sent with."""

    code: ClassVar[str] = "SKS-LABS-004"
    hint = "Give an http or https address without user, query or fragment, and a credential of visible ASCII."


class UnknownDialect(SekishoError):
    """The programme's configuration names a dialect that the gate does not speak."""

    code: ClassVar[str] = "SKS-LABS-005"
    hint = "The dialects are `openai` and `anthropic`."
