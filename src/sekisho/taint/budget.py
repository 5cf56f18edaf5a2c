"""How much work an analysis may do. Counted in steps, never in seconds: the same input stops at the same place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits on one analysis. A limit that is reached is reported in `Analysis.not_analyzed`."""

    # One step is one expression or statement looked at. The longest hand-written functions take about 30,000.
    steps_per_function: int = 200_000
    # 400 steps a line for a million lines.
    steps: int = 400_000_000
    # How often one function is looked at again because a function that it calls turned out to do more.
    rounds: int = 4
