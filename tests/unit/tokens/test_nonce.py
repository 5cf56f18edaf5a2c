"""Server nonces: known again without a store, for one to two slots."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.tokens import Nonces, NonceStale
from sekisho.tokens.nonce import SLOT_S

SECRET = bytes(range(32))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_after=st.floats(0, 3600), used_after=st.floats(-200, 200))
def test_a_nonce_lives_for_its_slot_and_the_next(clock, given_after, used_after):
    """RFC 9449 8: good in the slot it was given in and in the following one, never before or after."""
    nonces = Nonces(SECRET)
    given_at = clock.now() + timedelta(seconds=given_after)
    used_at = given_at + timedelta(seconds=used_after)
    slots = int(used_at.timestamp()) // SLOT_S - int(given_at.timestamp()) // SLOT_S
    if slots in (0, 1):
        nonces.check(nonces.current(given_at), at=used_at)
    else:
        with pytest.raises(NonceStale):
            nonces.check(nonces.current(given_at), at=used_at)


def test_another_process_or_a_guess_is_refused(clock):
    """A nonce is bound to the secret of the process that gave it."""
    nonces = Nonces(SECRET)
    good = nonces.current(clock.now())
    for nonce in (Nonces(bytes(32)).current(clock.now()), good[:-1], good + "A", good.swapcase(), "", "日本", "\0"):
        with pytest.raises(NonceStale) as refused:
            nonces.check(nonce, at=clock.now())
        assert refused.value.reason is Reason.PROOF_STALE


def test_the_secret_is_whole_and_never_shown():
    """A short secret could be guessed; a shown one could be used."""
    with pytest.raises(ValueError, match="32 bytes"):
        Nonces(b"short")
    assert SECRET.hex() not in repr(Nonces(SECRET))
