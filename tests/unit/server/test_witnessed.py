"""The office while the witnesses of its log are away: what was decided takes effect, readiness says why not."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from sekisho.access import services as access
from sekisho.api.errors import status_of
from sekisho.ledger import Log
from sekisho.ledger.witness.errors import WitnessesUnavailable
from sekisho.ledger.witnessing import Seen
from sekisho.tlog.checkpoint import Checkpoint


class Witnesses:
    """Witnesses that nobody reaches until they are back."""

    is_back = False

    def seen(self) -> Sequence[Seen]:
        if not self.is_back:
            raise WitnessesUnavailable("the quorum lacks 'w'")
        return ()

    def cosign(self, checkpoint: Checkpoint, note: bytes) -> bytes:
        assert self.is_back, "signed before the witnesses were asked"
        return note


def test_a_hold_takes_effect_and_is_published_when_they_are_back(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is signed meanwhile, nothing is lost, and stopping somebody waits for nobody."""
    witnesses = Witnesses()
    monkeypatch.setattr(Log, "open", partial(Log.open, witnessing=witnesses))
    checkpoint = world.places.ledger / "decisions" / "checkpoint"
    with world.open() as office:
        try:
            office.pin(world.charter())
            hold = world.hold()
            office.act(lambda s: access.place_hold(s, hold, office.charter, ids=world.ids, at=world.clock.now()))
            assert len(office.snapshot.holds) == 1
            assert not checkpoint.exists()
            with pytest.raises(WitnessesUnavailable) as refused:
                office.check_ready()
            assert status_of(refused.value) == 503
        finally:
            witnesses.is_back = True
        assert world.log.publish().size == world.log.head().size
        office.check_ready()
    assert checkpoint.exists()
