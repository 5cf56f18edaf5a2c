"""The composition root: the only place that picks clocks, ids, stores and processes, and puts the rooms together."""
