"""The folder of transcripts: whole or not there, before the ledger names it; and gone when it is destroyed."""

import hashlib
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sekisho.ledger import commit
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.errors import NotSealed, TranscriptMissing, TranscriptRefused
from sekisho.ledger.sealed_header import Belonging, decode_header, open_share
from sekisho.ledger.sealing import Sealer, unseal
from sekisho.ledger.transcripts import UNDER_WAY, OpenTranscript, TranscriptFolder, TranscriptStep, copy_transcript
from sekisho.trust import Auditor, Auditors

KEY = AuditorKey(mlkem=b"m" * 64, x25519=b"x" * 32)
AUDITORS = Auditors(threshold=1, members=(Auditor(name="auditor-a", key=KEY.public),))
REQUEST_ID = "req_00000000000000000000000001"
SALT = b"s" * 32


def begin(folder: TranscriptFolder, request: bytes = b"a question", request_id: str = REQUEST_ID) -> OpenTranscript:
    belonging = Belonging(
        log="sekisho.example/calls/gate-0", request_id=request_id, request_commitment=commit(request, SALT)
    )
    sealer = Sealer(belonging, AUDITORS, request_salt=SALT, response_salt=SALT, randomness=os.urandom)
    return folder.begin(request_id, sealer, request)


def opened(sealed: bytes) -> bytes:
    header, _ = decode_header(sealed)
    transcript = unseal(sealed, {"auditor-a": open_share(header, "auditor-a", KEY)})
    return transcript.request + transcript.response


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "transcripts"


@pytest.fixture
def folder(root: Path) -> TranscriptFolder:
    made = TranscriptFolder(root)
    made.prepare()
    return made


def test_a_finished_transcript_opens_and_has_the_digest_it_said(folder: TranscriptFolder, root: Path) -> None:
    """What the ledger will name is what lies there."""
    transcript = begin(folder)
    transcript.add(b"x" * 100_000)
    digest = transcript.finish(b"the end")
    transcript.settle()
    sealed = folder.path_of(REQUEST_ID).read_bytes()
    assert hashlib.sha256(sealed).hexdigest() == digest
    assert opened(sealed) == b"a question" + b"x" * 100_000 + b"the end"
    assert files_below(root) == [f"01/{REQUEST_ID}.sealed"]


def test_nobody_else_can_read_it(folder: TranscriptFolder, root: Path) -> None:
    """Sealed, and closed all the same: sizes and times tell."""
    begin(folder).finish(b"")
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_is_not_finished_has_no_place(folder: TranscriptFolder) -> None:
    """A reader finds whole transcripts or none."""
    transcript = begin(folder)
    transcript.add(b"x" * 100_000)
    with pytest.raises(TranscriptMissing):
        folder.path_of(REQUEST_ID)


def test_what_is_discarded_leaves_nothing(folder: TranscriptFolder, root: Path) -> None:
    """Whether it was finished or not."""
    begin(folder).discard()
    finished = begin(folder)
    finished.finish(b"")
    finished.discard()
    assert files_below(root) == []


def test_one_request_has_one_transcript(folder: TranscriptFolder) -> None:
    """A second under the same id would take the first one's place."""
    begin(folder).finish(b"first")
    with pytest.raises(NotSealed):
        begin(folder)


@pytest.mark.parametrize(
    "request_id", ["", "..", "../../x", "req_1", "req_0000000000000000000000000/", REQUEST_ID + "\n"]
)
def test_what_is_no_request_id_names_no_file(folder: TranscriptFolder, request_id: str) -> None:
    """It comes from whoever asks."""
    with pytest.raises(TranscriptRefused):
        folder.path_of(request_id)
    with pytest.raises(TranscriptRefused):
        folder.destroy(request_id)
    with pytest.raises(TranscriptRefused):
        begin(folder, request_id=request_id)


def test_destroying_overwrites_and_removes(folder: TranscriptFolder, root: Path) -> None:
    """Who had the file open sees zeros; again it changes nothing."""
    begin(folder).finish(b"x" * 100_000)
    with folder.path_of(REQUEST_ID).open("rb") as held:
        size = os.fstat(held.fileno()).st_size
        folder.destroy(REQUEST_ID)
        assert held.read() == bytes(size)
    assert files_below(root) == []
    folder.destroy(REQUEST_ID)


def test_a_link_is_not_followed(folder: TranscriptFolder, root: Path, tmp_path: Path) -> None:
    """Whoever can write in the folder must not make the gate overwrite another file."""
    begin(folder).finish(b"")
    place = folder.path_of(REQUEST_ID)
    place.unlink()
    (tmp_path / "other").write_bytes(b"keep")
    place.symlink_to(tmp_path / "other")
    with pytest.raises(NotSealed):
        folder.destroy(REQUEST_ID)
    assert (tmp_path / "other").read_bytes() == b"keep"


class PlugPulled(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("step", [TranscriptStep.BEGUN, TranscriptStep.FLUSHED, TranscriptStep.PLACED])
@pytest.mark.parametrize("is_recorded", [False, True])
def test_after_a_crash_the_log_says_what_stays(root: Path, step: TranscriptStep, is_recorded: bool) -> None:
    """With its outcome in the log a transcript stays; without, there is nothing left of it. A record comes only after
    its place."""

    def pull(at: TranscriptStep) -> None:
        if at is step:
            raise PlugPulled

    folder = TranscriptFolder(root, pull)
    folder.prepare()
    with pytest.raises(PlugPulled):
        begin(folder).finish(b"the end")
    folder = TranscriptFolder(root)
    folder.prepare()
    is_named = is_recorded and step is TranscriptStep.PLACED
    folder.recover(lambda request_id: is_named and request_id == REQUEST_ID)
    assert files_below(root) == ([f"01/{REQUEST_ID}.sealed"] if is_named else [])
    if is_named:
        assert opened(folder.path_of(REQUEST_ID).read_bytes()) == b"a questionthe end"


@pytest.mark.parametrize("step", [TranscriptStep.OVERWRITTEN, TranscriptStep.UNLINKED])
def test_a_crash_while_destroying_is_made_good_by_doing_it_again(root: Path, step: TranscriptStep) -> None:
    """Each step may be the last, and the next call finishes."""
    armed = [step]

    def pull(at: TranscriptStep) -> None:
        if at in armed:
            raise PlugPulled

    folder = TranscriptFolder(root, pull)
    folder.prepare()
    begin(folder).finish(b"")
    with pytest.raises(PlugPulled):
        folder.destroy(REQUEST_ID)
    armed.clear()
    folder.destroy(REQUEST_ID)
    assert files_below(root) == []


def test_a_strange_file_under_the_marks_is_left_alone(folder: TranscriptFolder, root: Path) -> None:
    """Such as one that a network disk or an editor leaves: no reason not to start."""
    (root / UNDER_WAY / ".nfs0001").write_bytes(b"")
    folder.recover(lambda _: False)
    assert files_below(root) == [f"{UNDER_WAY}/.nfs0001"]


@contextmanager
def at_most(size_bytes: int) -> Iterator[None]:
    """Let no file grow larger: a full disk, as the kernel says it (EFBIG; Python ignores the signal)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_is_an_error_and_leaves_nothing(folder: TranscriptFolder, root: Path) -> None:
    """At the beginning, in the middle, and at the end."""
    with at_most(100), pytest.raises(NotSealed):
        begin(folder)
    assert files_below(root) == []
    for write in (lambda t: t.add(b"x" * 200_000), lambda t: t.finish(b"x" * 200_000)):
        transcript = begin(folder)
        with at_most(20_000), pytest.raises(NotSealed):
            write(transcript)
        with pytest.raises(TranscriptMissing):
            folder.path_of(REQUEST_ID)
        transcript.discard()
        assert files_below(root) == []


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    """The gate does not start without it."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotSealed):
        TranscriptFolder(tmp_path / "file").prepare()
    with pytest.raises(NotSealed):
        TranscriptFolder(tmp_path / "nowhere").recover(lambda _: False)


def test_a_copy_is_new_and_closed_to_others(folder: TranscriptFolder, tmp_path: Path) -> None:
    """It goes over no file that is there."""
    begin(folder).finish(b"")
    source, target = folder.path_of(REQUEST_ID), tmp_path / "copy"
    copy_transcript(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(NotSealed):
        copy_transcript(source, target)
