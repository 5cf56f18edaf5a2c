"""Witnesses: who remembers the newest head of a log and cosigns only what extends it; and what asks them.

`head_record`, `keys`, `known_logs`, `fork`, `evidence`, `service`, `web_service`: the witness itself. `client`,
`quorum`: the log's side. Import the file by its name; `web_service` alone needs the `server` extra.
"""
