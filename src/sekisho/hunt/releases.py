"""A pinned release fetched from a package index, once: the file itself, never its dependencies, never its setup code.

The pin is the SHA-256; the index and the network are not trusted beyond it. A copy with that digest in the cache is
taken without asking anyone.
"""

import hashlib
import json
import os
import re
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from sekisho.findings import clean_text
from sekisho.hunt.archives import MAX_ARCHIVE_BYTES
from sekisho.hunt.errors import ReleaseRefused, ReleaseUnreachable

PYPI = "https://pypi.org/simple/"
# The longest index page on PyPI, of a package with thousands of wheels, is about 20 MB.
MAX_INDEX_BYTES = 64 * 1_048_576
TIMEOUT_S = 30.0
_CHUNK_BYTES = 65_536
# PEP 691.
_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]{0,98}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def fetch_release(
    name: str,
    version: str,
    sha256: str,
    cache_dir: Path,
    *,
    index_url: str = PYPI,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Return the wheel of `name` `version` whose SHA-256 is `sha256`, in `cache_dir`, fetched if it is not there.

    Steps: (1) a pin of the right form; (2) the cache; (3) the index page (PEP 503 names, PEP 691 JSON) and the file
    with that digest on it; (4) the bytes, bounded, their digest compared; (5) into the cache in one step. Raises
    ReleaseUnreachable or ReleaseRefused. Extra certificates are those that `environ` names, as pip reads them; proxies
    are the process's own.
    """
    # (1)
    if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version) and _DIGEST.fullmatch(sha256)):
        raise ReleaseRefused("a release is pinned by its name, version and the 64 hex digits of its SHA-256")
    # (2)
    cached = cache_dir / f"{_normal(name)}-{version}-{sha256[:16]}.whl"
    if _digest_of(cached) == sha256:
        return cached
    # (3)
    opener = _opener(environ)
    page_url = urljoin(index_url, f"{_normal(name)}/")
    file_url = urljoin(page_url, _listed(_get(opener, page_url, most=MAX_INDEX_BYTES), name, version, sha256))
    # (4)
    data = _get(opener, file_url, most=MAX_ARCHIVE_BYTES)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ReleaseRefused(f"what the index sent for {name} {version} is not the pinned file")
    # (5)
    _keep(cached, data)
    return cached


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _digest_of(path: Path) -> str | None:
    """Return the SHA-256 of the file at `path`, None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _listed(page: bytes, name: str, version: str, sha256: str) -> str:
    """Return the address, as the index page gives it, of the wheel with the pinned digest."""
    try:
        files = json.loads(page)["files"]
        found = [str(file["url"]) for file in files if file["hashes"].get("sha256") == sha256]
        wheels = [url for url in found if urlsplit(url).path.endswith(".whl")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ReleaseRefused(f"the index answered for {name} with what is not PEP 691 JSON") from error
    if not wheels:
        raise ReleaseRefused(f"the index lists no wheel of {name} {version} with the pinned digest")
    return wheels[0]


def _opener(environ: Mapping[str, str]) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"):
        if file := environ.get(variable):
            try:
                context.load_verify_locations(cafile=file)
            except OSError as error:
                raise ReleaseUnreachable(
                    f"{variable} names a file of certificates that cannot be read",
                    hint=f"Correct {variable}, or unset it.",
                ) from error
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


def _get(opener: urllib.request.OpenerDirector, url: str, *, most: int) -> bytes:
    parts = urlsplit(url)
    # An index page is a stranger's: without this it could name file: and have a local file hashed and parsed.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ReleaseRefused(f"not an https address: {clean_text(url, most=100)}")
    request = urllib.request.Request(url, headers={"Accept": f"{_SIMPLE_JSON}, */*;q=0.1"})  # noqa: S310  # checked above
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            data = bytes(answer.read(most + 1))
    except urllib.error.HTTPError as error:
        error.close()
        refusal = ReleaseRefused if error.code == HTTPStatus.NOT_FOUND else ReleaseUnreachable
        raise refusal(f"{parts.hostname} answered {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ReleaseUnreachable(f"cannot reach {parts.hostname}: {type(error).__name__}") from error
    if len(data) > most:
        raise ReleaseRefused(f"{parts.hostname} sent more than {most} bytes")
    return data


def _keep(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder, "part")
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        raise ReleaseRefused(
            f"cannot write to the cache: {type(error).__name__}", hint="Name a cache folder that can be written."
        ) from error
