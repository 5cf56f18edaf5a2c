"""Adapters: each makes an engine's own words into claims."""

from sekisho.hunt.engines.taint import TaintEngine

__all__ = ["TaintEngine"]
