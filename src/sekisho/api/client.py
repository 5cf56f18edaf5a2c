"""The control plane's API as the command line calls it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx2

from sekisho.core import SekishoError

# Longer than the slowest act (a campaign of 10,000 findings is imported in a few seconds).
TIMEOUT_S = 60.0
_AUTHENTICATION_NEEDED = 401


class ControlUnreachable(SekishoError):
    """No control plane answers for this data directory."""

    code: ClassVar[str] = "SKS-API-101"
    hint = "Start it: sekisho serve --data DIR."


class OfficeRefused(SekishoError):
    """The control plane refused an act; code, message and hint are the control plane's own."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("message", "refused")), hint=str(problem.get("hint", self.hint)))
        self.code = str(problem.get("code", "SKS-API-000"))  # type: ignore[misc]  # the server's code, not a class's


class SignInNeeded(OfficeRefused):
    """The credential was not accepted."""

    exit_code: ClassVar[int] = 4


class OfficeClient:
    """Calls /api/v1 with the office's credential."""

    def __init__(self, *, base_url: str, credential: str) -> None:
        # No connection is kept: a command makes one call, and a control plane that restarts has forgotten it.
        self._http = httpx2.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {credential}"},
            timeout=TIMEOUT_S,
            trust_env=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    @classmethod
    def of(cls, data: Path) -> "OfficeClient":
        """Return a client for the control plane that serves `data`, or raise ControlUnreachable."""
        try:
            run = json.loads((data / "run" / "control.json").read_bytes())
            base_url = f"http://{run['host']}:{run['port']}/api/v1"
            credential = (data / "control" / "office.token").read_text().strip()
            return cls(base_url=base_url, credential=credential)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, httpx2.InvalidURL) as error:
            raise ControlUnreachable(f"no control plane serves {data}") from error

    def get(self, path: str) -> Any:
        """Return the JSON answer of GET `path`, or raise OfficeRefused or ControlUnreachable."""
        return self._answer("GET", path, content=None)

    def post(self, path: str, body: bytes | Mapping[str, Any]) -> Any:
        """Return the JSON answer of POST `path` with `body` (a document's bytes, or a JSON object)."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self._answer("POST", path, content=content)

    def _answer(self, method: str, path: str, *, content: bytes | None) -> Any:
        try:
            answer = self._http.request(
                method, path, content=content, headers={"content-type": "application/json"} if content else {}
            )
            value = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            raise ControlUnreachable("the control plane did not answer as it should") from error
        if answer.is_success and isinstance(value, dict | list):
            return value
        if not isinstance(value, dict):
            raise ControlUnreachable("something else than the control plane answers at its address")
        raise (SignInNeeded if answer.status_code == _AUTHENTICATION_NEEDED else OfficeRefused)(value)
