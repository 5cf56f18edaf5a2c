"""Act 5: a grant is revoked while calls run, then a whole lab is put on hold; how fast, and what stops."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import httpx2

from sekisho.core import Reason
from sekisho.core.ids import AccordId, GrantId, HoldId
from sekisho.server.demo.defender import calling, chat, denied_code
from sekisho.server.demo.stage import LABS, PROGRAMME, Stage
from sekisho.server.demo.story import require
from sekisho.trust import Hold, Revocation, Target, TargetKind, hold_payload, revocation_payload

GPT = LABS["openai"][1]
CALLERS = 2
# Invariant 8.
IN_FORCE_LIMIT_MS = 100.0
PATIENCE_S = 30.0
HOLD_FOR = timedelta(days=1)

Call: TypeAlias = tuple[float, str | None]  # when it began (time.monotonic), and its reason code if it was denied


def play(stage: Stage) -> Mapping[str, Any]:
    """Revoke under load, measure, then hold the lab and list what it stops."""
    with _calls_running(stage) as calls:
        _wait_until(calls, lambda _, code: code is None, times=2 * CALLERS)
        sent_at = time.monotonic()
        revoked = stage.office.post("/revocations", _revocation(stage))
        told_at = time.monotonic()
        _wait_until(calls, lambda began, code: code is not None and began > told_at, times=CALLERS)
    late = [began for began, code in calls if code is None and began > told_at]
    require(not late, "a call that began after the revocation was answered was permitted")
    codes = {code for began, code in calls if began > told_at}
    require(codes == {Reason.GRANT_REVOKED.value}, f"after the revocation calls were denied with {codes}")
    hold = stage.office.post("/holds", _lab_hold(stage))
    _check_hold(stage)
    return {
        "calls_while_revoking": len(calls),
        "permitted": sum(code is None for _, code in calls),
        "revocation_in_force_at_every_gate_after_ms": _slowest(revoked),
        "within_100_ms": _slowest(revoked) <= IN_FORCE_LIMIT_MS,
        "last_permitted_call": _last_permitted(calls, sent_at),
        "hold_on_lab": "openai",
        "hold_in_force_at_every_gate_after_ms": _slowest(hold),
        "hold_stops": _named(stage, hold["stops"]),
    }


def _slowest(act: Mapping[str, Any]) -> float:
    """Return the milliseconds after which the last gate applied what `act` changed."""
    took = list(act["in_force_ms"].values())
    require(took and None not in took, "a gate did not say that the change is in force")
    return float(max(took))


def _last_permitted(calls: list[Call], sent_at: float) -> str:
    """Say when the last permitted call began, as seen by the caller."""
    after_ms = (max(began for began, code in calls if code is None) - sent_at) * 1000
    return f"began {abs(after_ms):.1f} ms {'after' if after_ms > 0 else 'before'} the revocation was sent"


def _named(stage: Stage, stops: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    """Return the list of what a hold stops, with the demo's names in the place of ids."""
    names = {id_: name for name, id_ in (*stage.grants.items(), *stage.institutions.items())}
    names |= {principal.id: name for name, principal in stage.principals.items()}
    return {sort: sorted(names.get(id_, id_) for id_ in ids) for sort, ids in stops.items()}


@contextmanager
def _calls_running(stage: Stage) -> Iterator[list[Call]]:
    """Let SMBC's hunter call in a loop on several threads; give (began, reason code or None) of each call."""
    calls: list[Call] = []
    stop = threading.Event()

    def loop() -> None:
        with calling(stage, stage.principals["smbc-hunter"], asset=stage.assets["smbc-web"]) as http:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    answer = chat(stage, http, GPT)
                except httpx2.HTTPError:
                    return  # `_wait_until` or the checks after it will miss the calls
                calls.append((began, None if answer.is_success else denied_code(answer)))

    threads = [threading.Thread(target=loop, daemon=True) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _wait_until(calls: list[Call], is_wanted: Callable[[float, str | None], bool], *, times: int) -> None:
    """Wait until so many calls were of the wanted kind, or raise ActFailed."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(is_wanted(began, code) for began, code in list(calls)) < times:
        require(time.monotonic() < deadline, "the calls that run beside the revocation did not come to an end")
        time.sleep(0.01)


def _revocation(stage: Stage) -> bytes:
    revocation = Revocation(
        grant_id=GrantId(stage.grants["smbc-openai"]),
        accord_id=AccordId(stage.accords["openai"]),
        lab="openai",
        basis="Demo: the institution's project has ended.",
        revoked_at=stage.clock.now(),
    )
    return stage.signed("revocation", revocation_payload(revocation), *stage.quorum("openai"))


def _lab_hold(stage: Stage) -> bytes:
    now = stage.clock.now()
    hold = Hold(
        id=HoldId(stage.ids.new("hld")),
        programme=PROGRAMME,
        placed_by="united-states",
        target=Target(kind=TargetKind.LAB, id="openai"),
        basis="Demo: export control review of one lab's models.",
        placed_at=now,
        lapses_at=now + HOLD_FOR,
    )
    return stage.signed("hold", hold_payload(hold), "united-states")


def _check_hold(stage: Stage) -> None:
    """The held lab answers nobody; the other lab is untouched."""
    with calling(stage, stage.principals["mufg-hunter"], asset=stage.assets["mufg-web"]) as http:
        held = denied_code(chat(stage, http, GPT))
        other = http.post(
            f"{stage.gate_origin}/v1/messages",
            json={"model": LABS["anthropic"][1], "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]},
        )
    require(held == Reason.LAB_ON_HOLD.value, f"under the hold a call was denied with {held}")
    require(other.is_success, "the hold on one lab stopped the other")
