"""The gate's own errors. A denial of a call is not one: that is `access.Denied`, which carries a `Reason`."""

from sekisho.core import Reason, SekishoError


class BadSettings(SekishoError):
    """A configuration file of the gate is missing, readable by others, or not of the shape in docs/gate.md."""

    code = "SKS-GATE-001"
    hint = "Compare the file with docs/gate.md, section Files, and give it mode 0600."


class HttpRefused(SekishoError):
    """The bytes are not a request that the gate reads; answered before anybody is authenticated.

    `status`: 400, 408, 413 or 431. `reason`: the code in the body. The connection closes after the answer.
    """

    code = "SKS-GATE-002"
    hint = "Send plain HTTP/1.1 with an origin-form target; docs/gate.md lists the limits."

    def __init__(self, message: str, *, status: int = 400, reason: Reason = Reason.REQUEST_MALFORMED) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class LabRefused(SekishoError):
    """The lab's bytes are not HTTP that the gate reads, or its answer is not one the gate passes on."""

    code = "SKS-GATE-003"
    hint = "Check base_url and dialect in labs.json; if they are right, tell the lab."


class LinkRefused(SekishoError):
    """The control plane sent a frame that is not one of the link's."""

    code = "SKS-GATE-004"
    hint = "Run gate and control plane from the same release."
