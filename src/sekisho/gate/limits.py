"""Every bound of the gate's listener and of its lab connections, each with its reason. docs/gate.md shows the table."""

# --- what a caller may send ---

# An access token is about 1.2 kB and a proof 0.6 kB; coding agents send 3 kB of headers in all.
MAX_HEAD_BYTES = 32_768
# Coding agents send about 30 header fields.
MAX_HEADER_FIELDS = 100
# The longest surface is 20 characters; a longer target is never one of ours.
MAX_TARGET_BYTES = 2_048
# First requests of coding agents are 40–76 kB; a request with several images is a few MB.
DEFAULT_MAX_BODY_BYTES = 16_777_216
# All request bodies in memory together: a thousand agents' requests, or sixteen of the largest.
MAX_BODIES_BYTES = 268_435_456
# One caller's connection costs about 10 kB and a file descriptor, its call another one for the lab. Where the system
# gives fewer descriptors there are fewer connections: without one to spare, neither ledger nor link could go on.
MAX_CONNECTIONS = 8_192
# Idle connections to the labs, the ledger's files, the link, the admin listener.
RESERVED_FILES = 256
# Each call under way holds a task, two sockets and up to 0.5 MB of buffers when both sides stall.
MAX_CALLS = 4_096
# Bytes that a caller sends while its call is under way. No client of ours pipelines; this many is a flood.
MAX_EARLY_BYTES = 65_536

# --- how long a caller may take ---

# A head is one packet or two; ten seconds is a poor mobile line, and bounds a slow drip of header bytes.
HEAD_TIMEOUT_S = 10.0
# 16 MiB at 0.6 MB/s; a body that takes longer is a drip.
BODY_TIMEOUT_S = 30.0
# Longer than the SDKs' own pools keep an idle connection, so that the client closes first.
IDLE_TIMEOUT_S = 75.0
# A reader that takes nothing for so long has gone, whatever its socket says.
STALLED_CALLER_TIMEOUT_S = 60.0

# --- what a lab may do ---

LAB_CONNECT_TIMEOUT_S = 5.0
# A reasoning model may think for minutes before the first byte when it does not stream.
LAB_FIRST_BYTE_TIMEOUT_S = 600.0
# Labs send keep-alive events every 15 s or so in a stream.
LAB_IDLE_TIMEOUT_S = 120.0
# Common servers close an idle connection after 5 s. Ours must let go first: a request written into a connection
# that the lab is closing is lost, and a call is never sent twice.
LAB_KEEP_S = 4.0
MAX_LAB_IDLE_CONNECTIONS = 64
MAX_LAB_HEAD_BYTES = 65_536
# An error body is a sentence or two; a larger one is not an error body.
MAX_LAB_ERROR_BYTES = 262_144
# The largest whole answer that is not streamed, base64 images included; as in `labs`.
MAX_LAB_ANSWER_BYTES = 16_777_216

# --- buffers: flat memory per stream, whatever the two sides do ---

# Beyond this the gate stops reading from the lab until the caller has taken some.
MAX_LAB_QUEUED_BYTES = 131_072
MAX_CALLER_QUEUED_BYTES = 65_536

# --- the gate itself ---

# A group commit takes milliseconds. A ledger that needs longer is in doubt, and doubt means no.
LEDGER_TIMEOUT_S = 5.0
# Denials before authentication go into one entry of counts each minute: a flood cannot fill the log.
DENIALS_COUNTED_EVERY_S = 60.0
# What was under way at SIGTERM may finish for so long; supervisors commonly kill after 30 s.
DRAIN_TIMEOUT_S = 10.0
# Tokens live at most 300 s, so this many are a thousand principals with several scopes each.
MAX_CACHED_TOKENS = 8_192
# Proofs remembered at most; see `replay` for how full means no.
MAX_REMEMBERED_PROOFS = 1_000_000
# One frame of the link: a snapshot of about 40,000 grants.
MAX_LINK_FRAME_BYTES = 16_777_216
# Calls that one question over the link names: the answer fits into a frame of the gate.
MAX_ASKED_CALLS = 200
