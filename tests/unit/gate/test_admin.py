"""The admin listener: three pages, and nothing of them on the main one."""

import asyncio

import pytest

from sekisho.gate.admin import AdminConnection


@pytest.fixture
async def ask(rig):
    gate = rig.gate
    server = await asyncio.get_running_loop().create_server(
        lambda: AdminConnection(
            why_not_ready=gate.why_not_ready, metrics=lambda: gate.parts.metrics.render(gate.gauges())
        ),
        "127.0.0.1",
        0,
    )

    async def get(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 2)
        writer.transport.abort()
        return answer

    yield get
    server.close()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


async def test_ready_means_that_a_call_could_be_served(rig, ask):
    """Snapshot under lease and a ledger that writes; alive is alive in any case."""
    assert b"200 OK" in await ask(get("/readyz"))
    rig.monotonic[0] += 6
    assert b"503" in await ask(get("/readyz"))
    assert b"200 OK" in await ask(get("/livez"))


async def test_metrics_count_calls_and_strangers_and_name_nobody(rig, ask, desk):
    """Prometheus text; no principal, no model, no request."""
    await desk.call()
    await desk.call(path="/v1/nothing")
    await rig.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    text = (await ask(get("/metrics"))).decode()
    assert 'sekisho_gate_calls_total{outcome="complete"} 1' in text
    assert 'sekisho_gate_calls_total{outcome="SKS-GATE-103"} 1' in text
    assert 'sekisho_gate_refused_total{reason="SKS-GATE-202"} 1' in text
    assert "sekisho_gate_call_seconds_count 2" in text
    assert "per_" not in text
    assert "red-1" not in text


@pytest.mark.parametrize(
    "data", [get("/"), get("/v1/chat/completions"), b"POST /livez HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00"]
)
async def test_it_serves_nothing_else(ask, data):
    """Three pages, one method."""
    assert (await ask(data)).split(b" ")[1] in {b"404", b"400"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_the_main_listener_has_none_of_them(rig, desk, path):
    """Invariant 9: strangers get the one answer, callers learn that there is no such surface."""
    assert (await rig.exchange(get(path))).status == 401
    assert (await desk.call(path, b"", method="GET")).status == 404
