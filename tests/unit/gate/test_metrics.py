"""Prometheus text."""

from sekisho.gate.metrics import Metrics


def test_a_histogram_is_cumulative_and_ends_with_everything():
    """Exposition format 0.0.4: each bucket counts what is at most its end."""
    metrics = Metrics()
    for duration_us in (500, 4_000, 400_000_000):
        metrics.observe_call("complete", duration_us)
    lines = metrics.render({"sekisho_gate_connections": 2}).decode().splitlines()
    assert 'sekisho_gate_call_seconds_bucket{le="0.001"} 1' in lines
    assert 'sekisho_gate_call_seconds_bucket{le="0.005"} 2' in lines
    assert 'sekisho_gate_call_seconds_bucket{le="+Inf"} 3' in lines
    assert "sekisho_gate_call_seconds_sum 400.004500" in lines
    assert "sekisho_gate_connections 2" in lines
