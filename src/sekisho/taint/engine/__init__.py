"""The one engine: abstract interpretation of the IR, a summary per function, summaries put together at calls."""
