"""A programme on loopback: a token endpoint that issues, and a gate that verifies, as the real ones do."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from sekisho.core import SekishoError, SteadyClock
from sekisho.sidecar import SekishoAuth, TokenClient, make_key
from sekisho.tokens import (
    AccessToken,
    Binding,
    CallScope,
    Nonces,
    ProofReplayed,
    SigningKey,
    issue_access_token,
    parse_details_text,
    require_dpop_token,
    verify_access_token,
    verify_client_assertion,
    verify_proof,
)

PRINCIPAL = "wkl_00000000000000000000000001"
ASSET = "ast_00000000000000000000000001"


class TakenOnce:
    """Takes each proof once; for tests alone."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def check_new(self, proof_id: str, until: object) -> None:
        if proof_id in self.taken:
            raise ProofReplayed("again")
        self.taken.add(proof_id)


@dataclass(slots=True)
class Programme:
    """Both servers in one, and what they saw. `issuer_nonces`: set to make the token endpoint ask for a nonce."""

    clock: SteadyClock
    issuer_key: SigningKey
    client_key: SigningKey
    origin: str = ""
    gate_nonces: Nonces = field(default_factory=lambda: Nonces(bytes(32)))
    issuer_nonces: Nonces | None = None
    token_answer: tuple[int, bytes] | None = None
    tokens_issued: int = 0
    gate_requests: list[dict[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    scopes: list[CallScope] = field(default_factory=list)
    receipt: dict[str, str] = field(default_factory=dict)
    replays: TakenOnce = field(default_factory=TakenOnce)

    def issue(self, body: bytes, proofs: list[str]) -> tuple[int, bytes, dict[str, str]]:
        """Answer a token request."""
        if self.token_answer is not None:
            return (*self.token_answer, {})
        now, form = self.clock.now(), dict(parse_qsl(body.decode(), strict_parsing=True))
        try:
            proof = verify_proof(
                proofs,
                method="POST",
                origin=self.origin,
                target="/oauth/token",
                at=now,
                binding=None,
                nonces=self.issuer_nonces,
                replays=self.replays,
            )
            client = verify_client_assertion(
                form["client_assertion"],
                find_key={PRINCIPAL: self.client_key.public}.get,
                issuer=self.origin,
                at=now,
            )
        except SekishoError as error:
            headers = {"DPoP-Nonce": self.issuer_nonces.current(now)} if self.issuer_nonces else {}
            name = "use_dpop_nonce" if headers else "invalid_client"
            return 400, json.dumps({"error": name, "error_description": error.message}).encode(), headers
        assert form["grant_type"] == "client_credentials"
        self.tokens_issued += 1
        scope = parse_details_text(form["authorization_details"].encode())
        token = AccessToken(
            principal_id=client.client_id,
            jkt=proof.jkt,
            scope=scope,
            jti=f"tok_{self.tokens_issued:026d}",
            issued_at=now,
            expires_at=now + timedelta(seconds=300),
        )
        text = issue_access_token(token, key=self.issuer_key, issuer=self.origin, audience=self.origin)
        return 200, json.dumps({"access_token": text, "token_type": "DPoP", "expires_in": 300}).encode(), {}

    def pass_gate(self, target: str, headers: dict[str, list[str]]) -> bool:
        """Verify one request as a gate does, and note what it was."""
        now = self.clock.now()
        self.gate_requests.append({name: ", ".join(values) for name, values in headers.items()})
        try:
            text = require_dpop_token(headers.get("authorization", []))
            keys = {self.issuer_key.public.thumbprint: self.issuer_key.public}
            token = verify_access_token(text, keys=keys, issuer=self.origin, audience=self.origin, at=now)
            verify_proof(
                headers.get("dpop", []),
                method="POST",
                origin=self.origin,
                target=target,
                at=now,
                binding=Binding(token=text, jkt=token.jkt),
                nonces=self.gate_nonces,
                replays=self.replays,
            )
        except SekishoError as error:
            self.refusals.append(error.code)
            return False
        self.scopes.append(token.scope)
        return True


def answer_of(path: str, *, stream: bool) -> tuple[str, bytes]:
    """The lab's answer: a few words in the shape of the surface."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if path == "/v1/chat/completions" and stream:
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        chunk["choices"] = [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}]
        return "text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    if path == "/v1/chat/completions":
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
        value = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
    elif path == "/v1/responses":
        part = {"type": "output_text", "text": "hello", "annotations": []}
        item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [part]}
        value = {
            "id": "r",
            "object": "response",
            "created_at": 1,
            "model": "m",
            "status": "completed",
            "output": [item],
        }
    else:
        value = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
        value |= {"content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 1, "output_tokens": 1}}
    return "application/json", json.dumps(value).encode()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The file of an enrolled key."""
    make_key(tmp_path / "key.pem")
    return tmp_path / "key.pem"


@pytest.fixture
def programme(clock: SteadyClock, key_file: Path, tmp_path: Path) -> Iterator[Programme]:
    """The running programme; everything it checks, it checks with the real verifiers."""
    from sekisho.sidecar import load_key

    told = Programme(
        clock=clock, issuer_key=make_key(tmp_path / "issuer.pem", kind="ed25519"), client_key=load_key(key_file)
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            names = {name.lower() for name in self.headers}
            headers = {name: self.headers.get_all(name, []) for name in names}
            path = self.path.partition("?")[0]
            if path == "/oauth/token":
                self.reply(*told.issue(body, headers.get("dpop", [])))
                return
            nonce = {"DPoP-Nonce": told.gate_nonces.current(told.clock.now())}
            if not told.pass_gate(self.path, headers):
                self.reply(401, b'{"type":"error","error":{"type":"authentication_error","message":"no"}}', nonce)
                return
            content_type, answer = answer_of(path, stream=json.loads(body).get("stream") is True)
            self.reply(200, answer, {**nonce, **told.receipt, "content-type": content_type})

        def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.origin = f"http://127.0.0.1:{server.server_address[1]}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tokens(programme: Programme, ids) -> TokenClient:
    """A token client of the enrolled principal."""
    return TokenClient(
        issuer=programme.origin,
        principal_id=PRINCIPAL,
        key=programme.client_key,
        scope=CallScope(technique="find", asset=ASSET),
        clock=programme.clock,
        ids=ids,
    )


@pytest.fixture
def auth(tokens: TokenClient) -> SekishoAuth:
    """What an SDK's HTTP client takes."""
    return SekishoAuth(tokens=tokens)
