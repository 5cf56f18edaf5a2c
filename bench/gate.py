#!/usr/bin/env python3
"""What the gate adds to a call: the same request to a scripted lab, straight and through the gate.

Prints JSON. Straight and gated calls alternate in one run, each on one kept connection; figures are medians.
Every check is on: token, proof, grant, policy, budget, durable intent before forwarding, durable outcome after.

    uv run --no-sync bench/gate.py [--rounds N]
"""

import argparse
import http.client
import json
import os
import socket
import socketserver
import statistics
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sekisho.server.demo import charter, vetting
from sekisho.server.demo.stage import LABS, Stage
from sekisho.server.places import DataDir
from sekisho.server.setup import GATE_SLOT
from sekisho.sidecar import TokenClient, load_key
from sekisho.tokens import CallScope

CALLS = 200
PATH = "/v1/chat/completions"
PROMPT_BYTES, REPLY_BYTES = 8_000, 1_400
TICKS = os.sysconf("SC_CLK_TCK")


class Lab(BaseHTTPRequestHandler):
    """Answers every chat call with the same reply."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one piece: two would wait for each other's acknowledgement
    reply = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "scripted",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x" * REPLY_BYTES}}
            ],
            "usage": {"prompt_tokens": 2000, "completion_tokens": 300, "total_tokens": 2300},
        }
    ).encode()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.reply)))
        self.end_headers()
        self.wfile.write(self.reply)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class BenchStage(Stage):
    """The demo's stage with a scripted lab in the place of the local model."""

    def _start_lab(self, party: str) -> dict[str, str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Lab)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.credentials[party] = f"bench-{party}-credential"
        address = f"http://127.0.0.1:{server.server_address[1]}"
        return {"party": party, "base_url": address, "dialect": LABS[party][0], "credential": self.credentials[party]}


def connect(url: str) -> http.client.HTTPConnection:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def timed(connection: http.client.HTTPConnection, body: bytes, headers: list[dict[str, str]]) -> list[float]:
    """Return the seconds of one call for each of `headers`."""
    took = []
    for one in headers:
        began = time.perf_counter()
        connection.request("POST", PATH, body=body, headers={"content-type": "application/json", **one})
        answer = connection.getresponse()
        text = answer.read()
        took.append(time.perf_counter() - began)
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}: {text[:300]!r}")
    return took


def proofs(stage: Stage, tokens: TokenClient, body: bytes) -> list[dict[str, str]]:
    """Return headers for CALLS calls, made before they are timed: the defender's side is not the gate."""
    import httpx2

    with httpx2.Client(trust_env=False) as client:
        held = tokens.fetch(client)
        url = f"{stage.gate_origin}{PATH}"
        nonce = client.post(url, content=body).headers["dpop-nonce"]
    return [
        {"authorization": f"DPoP {held.text}", "dpop": tokens.prove(held, method="POST", url=url, nonce=nonce)}
        for _ in range(CALLS)
    ]


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(stage: Stage, rounds: int) -> dict[str, float]:
    """Run the rounds and return medians of what was seen."""
    who = stage.principals["mufg-hunter"]
    scope = CallScope(technique="find", asset=stage.assets["mufg-web"])
    key = load_key(who.key_file)
    tokens = TokenClient(
        issuer=stage.issuer, principal_id=who.id, key=key, scope=scope, clock=stage.clock, ids=stage.ids
    )
    words = "x" * PROMPT_BYTES
    asked = {"model": LABS["openai"][1], "max_tokens": 300, "messages": [{"role": "user", "content": words}]}
    body = json.dumps(asked).encode()
    labs = json.loads((stage.places.gate(GATE_SLOT) / "labs.json").read_bytes())["labs"]
    lab = connect(next(one["base_url"] for one in labs if one["party"] == "openai"))
    gate = connect(stage.gate_origin)
    pid = int(str(stage.read_run_file(stage.places.gate_run(GATE_SLOT))["pid"]))
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        straight = timed(lab, body, [{}] * CALLS)
        prepared = proofs(stage, tokens, body)
        before = cpu_s(pid)
        gated = timed(gate, body, prepared)
        seen.setdefault("gate_cpu_us_per_call", []).append((cpu_s(pid) - before) / CALLS * 1e6)
        for name, part in (("p50", 0.5), ("p99", 0.99)):
            added = percentile(gated, part) - percentile(straight, part)
            seen.setdefault(f"added_{name}_ms", []).append(added * 1000)
        seen.setdefault("throughput_ratio_at_one_connection", []).append(sum(straight) / sum(gated))
    medians = {name: round(statistics.median(values), 3) for name, values in seen.items()}
    return {**medians, "gate_rss_mb": round(rss_mb(pid), 1)}


def main() -> None:
    """Start a programme with a scripted lab, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    socketserver.TCPServer.request_queue_size = 128
    with tempfile.TemporaryDirectory() as folder:
        stage = BenchStage(places=DataDir(Path(folder) / "data"), cache=Path(folder) / "cache")
        try:
            stage.start()
            charter.play(stage)
            vetting.play(stage)
            print(json.dumps({"rounds": rounds, "calls": CALLS, **measure(stage, rounds)}, indent=2))
        finally:
            stage.close()


if __name__ == "__main__":
    main()
