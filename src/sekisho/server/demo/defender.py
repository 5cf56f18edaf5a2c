"""How the demo's defenders call: the labs' official clients over the sidecar's authentication, and what they saw."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2
import openai

from sekisho.server.demo.stage import Enrolled, Stage
from sekisho.server.demo.story import ActFailed, require
from sekisho.sidecar import SekishoAuth, TokenClient, load_key
from sekisho.tokens import CallScope

CALL_TIMEOUT_S = 60.0
# Enough for a sentence; the local model is slow.
MAX_OUTPUT_TOKENS = 12
PROMPT = "Say in one sentence what a path traversal is and how to prevent it."
_UNUSED = "the-sidecar-replaces-this"


@dataclass(slots=True)
class Seen:
    """What came back on the wire: every answer's headers and, where it was not streamed, its body."""

    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def take(self, answer: httpx2.Response) -> None:
        self.headers.append(dict(answer.headers))

    def contains(self, secret: str) -> bool:
        """Say whether `secret` is in anything that was seen."""
        in_headers = any(secret in value for headers in self.headers for value in headers.values())
        return in_headers or any(secret.encode() in body for body in self.bodies)


@contextmanager
def calling(
    stage: Stage, who: Enrolled, *, asset: str | None, technique: str = "find", seen: Seen | None = None
) -> Iterator[httpx2.Client]:
    """Give an HTTP client that proves `who` on every request, for `asset` (an id) and `technique`."""
    scope = CallScope(technique=technique, asset=asset)
    with TokenClient(
        issuer=stage.issuer,
        principal_id=who.id,
        key=load_key(who.key_file),
        scope=scope,
        clock=stage.clock,
        ids=stage.ids,
    ) as tokens:
        auth = SekishoAuth(tokens=tokens)
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [seen.take]} if seen is not None else {}
        with httpx2.Client(auth=auth, timeout=CALL_TIMEOUT_S, trust_env=False, event_hooks=hooks) as client:
            yield client


def openai_client(stage: Stage, http: httpx2.Client) -> openai.OpenAI:
    """Return OpenAI's own client, pointed at the gate."""
    return openai.OpenAI(base_url=f"{stage.gate_origin}/v1", api_key=_UNUSED, http_client=http, max_retries=0)


def anthropic_client(stage: Stage, http: httpx2.Client) -> anthropic.Anthropic:
    """Return Anthropic's own client, pointed at the gate."""
    return anthropic.Anthropic(base_url=stage.gate_origin, api_key=_UNUSED, http_client=http, max_retries=0)


def chat_body(model: str, **more: Any) -> dict[str, Any]:
    """Return a small Chat Completions request."""
    messages = [{"role": "user", "content": PROMPT}]
    return {"model": model, "messages": messages, "max_tokens": MAX_OUTPUT_TOKENS, **more}


def chat(stage: Stage, http: httpx2.Client, model: str) -> httpx2.Response:
    """Send one chat request as plain HTTP and return the answer, whatever it is."""
    return http.post(f"{stage.gate_origin}/v1/chat/completions", json=chat_body(model))


def denied_code(answer: httpx2.Response) -> str:
    """Return the reason code of a denial, or raise ActFailed if the call was permitted."""
    require(not answer.is_success, "a call was permitted that had to be denied")
    try:
        return str(answer.json()["sekisho"]["code"])
    except (ValueError, KeyError, TypeError) as error:
        raise ActFailed(f"a denial without a code, status {answer.status_code}") from error


def denied_text(answer: httpx2.Response) -> Mapping[str, str]:
    """Return what a denial says to people, in both languages."""
    told = json.loads(answer.content)["sekisho"]
    return {"en": told["message_en"], "ja": told["message_ja"]}
