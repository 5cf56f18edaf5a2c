"""Answers as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.gate import answers
from sekisho.gate.errors import LabRefused
from sekisho.gate.lab_answer import AnswerEnd, AnswerHead, AnswerPart, LabAnswerReader


@given(body=st.binary(max_size=200), cuts=st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_what_is_written_is_what_a_parser_reads(body, cuts):
    """Whole or in chunks, another parser finds the same body, and its end only where it was written."""
    whole = LabAnswerReader().receive(answers.encode_whole(200, (answers.JSON,), body))
    assert b"".join(event.data for event in whole if isinstance(event, AnswerPart)) == body
    assert isinstance(whole[-1], AnswerEnd)
    reader = LabAnswerReader()
    events = reader.receive(answers.encode_stream_head(200, ()) + b"".join(map(answers.encode_chunk, cuts)))
    assert isinstance(events[0], AnswerHead)
    assert b"".join(event.data for event in events if isinstance(event, AnswerPart)) == b"".join(cuts)
    assert not any(isinstance(event, AnswerEnd) for event in events)
    assert isinstance(reader.receive(answers.LAST_CHUNK)[-1], AnswerEnd)


@pytest.mark.parametrize(
    "field", [(b"x", b"a\r\nb: c"), (b"x", b"a\x00"), (b"x\r\ny", b"a"), (b"X Y", b"a"), (b"", b"a"), (b"x", b"\xff")]
)
def test_a_field_that_could_end_its_line_is_not_written(field):
    """Response splitting ends here, wherever the value came from."""
    with pytest.raises(LabRefused):
        answers.encode_head(200, (field,))
