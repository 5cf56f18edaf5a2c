"""A published notice is whole, private, durable and never replaced."""

import os
from dataclasses import replace

import pytest

from sekisho.core import Tlp
from sekisho.core.ids import InstitutionId
from sekisho.disclosure import DirectoryPublisher, Notice, NoticeFile, PublishRefused

NOTICE = Notice(
    id="ntc_" + "7" * 26,
    institution=InstitutionId("ins_regional"),
    tlp=Tlp.AMBER,
    files=(NoticeFile(name="sekisho-2026-1.json", media_type="application/json", data=b"{}"),),
)


def test_files_lie_in_the_recipients_folder_for_the_service_alone(tmp_path) -> None:
    """One folder an institution; nobody else on the machine reads it."""
    (path,) = DirectoryPublisher(tmp_path).publish(NOTICE)
    assert path == tmp_path / "ins_regional" / "sekisho-2026-1.json"
    assert path.read_bytes() == b"{}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == [path.name], "no half-written file stays behind"


def test_publishing_again_changes_nothing_and_another_content_is_refused(tmp_path) -> None:
    """A restart repeats; nothing replaces what was issued."""
    publisher = DirectoryPublisher(tmp_path)
    (path,) = publisher.publish(NOTICE)
    before = path.stat().st_ino
    assert publisher.publish(NOTICE) == (path,)
    assert path.stat().st_ino == before
    with pytest.raises(PublishRefused):
        publisher.publish(replace(NOTICE, files=(replace(NOTICE.files[0], data=b"[]"),)))
    assert path.read_bytes() == b"{}"


@pytest.mark.parametrize(
    "name", ["../x.json", "/etc/x.json", "x/y.json", ".json", "x.svg", "x.json\n", "", "a\x00.json"]
)
def test_a_name_that_is_not_ours_is_refused(tmp_path, name: str) -> None:
    """Nothing is written outside the folder, whoever chose the name."""
    with pytest.raises(PublishRefused):
        DirectoryPublisher(tmp_path).publish(replace(NOTICE, files=(replace(NOTICE.files[0], name=name),)))
    with pytest.raises(PublishRefused):
        DirectoryPublisher(tmp_path).publish(replace(NOTICE, institution=InstitutionId(f"../{name}")))


def test_a_failing_disk_leaves_no_file_and_a_coded_error(tmp_path, monkeypatch) -> None:
    """Cut between writing and renaming: the reader sees nothing, the caller an error of ours."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(PublishRefused, match="No space left"):
        DirectoryPublisher(tmp_path).publish(NOTICE)
    assert list((tmp_path / "ins_regional").iterdir()) == []
