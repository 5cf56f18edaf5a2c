"""Whether a regular expression backtracks without bound. Pure: a pattern in, a verdict out; nothing is matched."""

from sekisho.taint.regex.backtracking import Growth, growth_of
from sekisho.taint.regex.parse import PatternRefused, parse_pattern

__all__ = ["Growth", "PatternRefused", "growth_of", "parse_pattern"]
