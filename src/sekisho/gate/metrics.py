"""What the admin listener shows as Prometheus text (exposition format 0.0.4). Counts alone: no names, no content."""

from collections import Counter
from collections.abc import Mapping

# Upper ends in seconds: a denial takes about a millisecond, a long answer minutes.
_BUCKETS_S = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0)


class Metrics:
    """Counters of one gate process."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()
        self._buckets = [0] * (len(_BUCKETS_S) + 1)
        self._sum_us = 0

    def observe_call(self, outcome: str, duration_us: int) -> None:
        """Count a call of an authenticated caller; `outcome`: `complete` or a reason's code."""
        self._calls[outcome] += 1
        self._sum_us += duration_us
        slot = next((i for i, end in enumerate(_BUCKETS_S) if duration_us <= end * 1_000_000), len(_BUCKETS_S))
        self._buckets[slot] += 1

    def observe_stranger(self, code: str) -> None:
        """Count a request that was refused before or at authentication."""
        self._strangers[code] += 1

    def render(self, gauges: Mapping[str, float]) -> bytes:
        """Return all counters, and `gauges` by name, as text."""
        lines = [
            *_family("sekisho_gate_calls_total", "outcome", self._calls),
            *_family("sekisho_gate_refused_total", "reason", self._strangers),
            *self._histogram("sekisho_gate_call_seconds"),
        ]
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return ("\n".join(lines) + "\n").encode()

    def _histogram(self, name: str) -> list[str]:
        lines, total = [f"# TYPE {name} histogram"], 0
        for end, count in zip((*map(str, _BUCKETS_S), "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{end}"}} {total}')
        return [*lines, f"{name}_sum {self._sum_us / 1_000_000:.6f}", f"{name}_count {total}"]


def _family(name: str, label: str, counts: Mapping[str, int]) -> list[str]:
    return [f"# TYPE {name} counter", *(f'{name}{{{label}="{key}"}} {counts[key]}' for key in sorted(counts))]
