"""Every statement that the PostgreSQL store sends about entries and heads. Values go beside them, never into them.

Private to the ledger.
"""

from typing import Final

# Whoever holds this row is the only one who writes entries, until the commit. The settings come with it, because they
# can be changed under a running session.
TAKE_LOG: Final = """
SELECT size, current_setting('fsync'), current_setting('synchronous_commit') FROM sekisho_log.log FOR UPDATE
"""
FIND_KEYS: Final = "SELECT key, position FROM sekisho_log.entries WHERE key = ANY(%s::bytea[])"
# The counter is written also when every row was there before: the commit then waits, like any other, until all that
# it saw is flushed, here and on synchronous standbys.
WRITE: Final = """
WITH counted AS (UPDATE sekisho_log.log SET size = %(start)s::bigint + cardinality(%(data)s::bytea[]))
INSERT INTO sekisho_log.entries (position, data, key, private)
SELECT %(start)s::bigint + nth - 1, data, key, private
FROM unnest(%(data)s::bytea[], %(keys)s::bytea[], %(privates)s::bytea[])
  WITH ORDINALITY AS batch (data, key, private, nth)
"""
COUNT: Final = """
SELECT size, coalesce((SELECT max(position) + 1 FROM sekisho_log.entries), 0) FROM sekisho_log.log
"""
READ: Final = """
SELECT position, data FROM sekisho_log.entries WHERE position >= %s AND position < %s ORDER BY position
"""
READ_ONE: Final = "SELECT data, private FROM sekisho_log.entries WHERE position = %s"
FIND: Final = "SELECT position FROM sekisho_log.entries WHERE key = %s"
DESTROY: Final = "UPDATE sekisho_log.entries SET private = NULL WHERE position = ANY(%s) AND private IS NOT NULL"
# An update leaves the older row where it was; this removes it, without keeping writers out.
TIDY: Final = "VACUUM (TRUNCATE false) sekisho_log.entries"
# Tidying goes through what changed since the last time: minutes in a large log that the server never tidied.
TIDY_TIMEOUT: Final = "SET statement_timeout = '15min'"
READ_HEAD: Final = "SELECT size, root FROM sekisho_log.head"
TAKE_HEAD: Final = """
SELECT size, root, current_setting('fsync'), current_setting('synchronous_commit') FROM sekisho_log.head FOR UPDATE
"""
WRITE_HEAD: Final = "UPDATE sekisho_log.head SET size = %s, root = %s, signed_at = %s"
# Asked for once a session: the server counts how often, and one release would not give it up. Looked up and not
# remembered, since a pooler between may have changed the session.
ELECT: Final = """
SELECT CASE
  WHEN EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = %(space)s::oid AND objid = %(lock)s::oid AND objsubid = 2
  ) THEN true
  ELSE pg_try_advisory_lock(%(space)s::integer, %(lock)s::integer)
END
"""
SETTINGS: Final = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
