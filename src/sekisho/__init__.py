"""Sekisho: the checkpoint for frontier cyber models. See docs/architecture.md for the map of the rooms."""
