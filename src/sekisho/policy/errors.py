"""What goes wrong in a policy decision: it was made and says no, or it could not be made."""

from typing import ClassVar

from sekisho.core import SekishoError


class PolicyDenied(SekishoError):
    """The policies were evaluated without error, and none permits the call, or one forbids it."""

    code: ClassVar[str] = "SKS-POLICY-501"
    hint = "Compare the call with the grant: principal, model, asset, technique and window must all lie in it."

    def __init__(self, message: str, *, forbidden_by: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        # Ids of the policies that forbid; empty when none permits.
        self.forbidden_by = forbidden_by


class PolicyFailed(SekishoError):
    """No decision was reached: an error in evaluation, an unknown entity, a question that the schema refuses."""

    code: ClassVar[str] = "SKS-POLICY-502"
    hint = "The call is denied and the programme office is to be told: the policies in force do not fit the data."


class PolicyRefused(SekishoError):
    """Policies or entities do not parse, do not fit the schema, or refer to what is not there."""

    code: ClassVar[str] = "SKS-POLICY-503"
    hint = "Nothing was put in force. Compare the policies with docs/policy.md."
