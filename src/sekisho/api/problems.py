"""RFC 9457 problem details: the one shape of an error on the wire."""

import json

from fastapi import Response

from sekisho.core import SekishoError


def problem(error: SekishoError, *, status: int) -> Response:
    """Return `error` as application/problem+json with `status`."""
    body = {"type": f"urn:sekisho:error:{error.code}", "title": error.message, "status": status, **error.to_dict()}
    # ASCII: a message may quote a lone surrogate, which no other encoding takes.
    return Response(json.dumps(body), status_code=status, media_type="application/problem+json")
