"""Adapters: each makes an engine's own words into claims."""

from sekisho.hunt.engines.cache import Cache, user_cache_folder
from sekisho.hunt.engines.taint import TaintEngine

__all__ = ["Cache", "TaintEngine", "user_cache_folder"]
