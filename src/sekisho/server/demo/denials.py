"""Act 4: nine ways not to get through, each with its reason; a stranger learns nothing from any."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from sekisho.core import Reason, format_utc
from sekisho.core.ids import HoldId
from sekisho.server.demo.defender import calling, chat, chat_body, denied_code, denied_text
from sekisho.server.demo.stage import LABS, PROGRAMME, Stage
from sekisho.server.demo.story import ActFailed, require
from sekisho.server.setup import GATE_SLOT
from sekisho.tokens import SigningKey, make_proof
from sekisho.trust import Hold, Target, TargetKind, hold_payload

GPT = LABS["openai"][1]
SUSPENSION = timedelta(days=7)
NOBODYS_ASSET = f"ast_{'0' * 26}"


def play(stage: Stage) -> Mapping[str, Any]:
    """Try each, and compare the reason with the one that it must have."""
    told = {name: _denied(stage, *case) for name, case in _cases(stage).items()}
    _suspend(stage, "mufg-analyst")
    told["suspended person"] = _denied(stage, "mufg-analyst", stage.assets["mufg-web"], Reason.PERSON_SUSPENDED)
    strangers = _unauthenticated(stage)
    return {
        "reasons": {name: code for name, (code, _) in told.items()},
        "sentences": {name: text for name, (_, text) in told.items()},
        "not_authenticated": strangers,
    }


def _cases(stage: Stage) -> Mapping[str, tuple[str, str | None, Reason]]:
    """Return name → principal, asset of the token, the reason that is due."""
    web = stage.assets["mufg-web"]
    require(_one_call(stage).is_success, "the one call that the pilot's budget allows was denied")
    return {
        "no grant": ("regional-workload", web, Reason.NO_GRANT),
        "undeclared asset": ("mufg-hunter", NOBODYS_ASSET, Reason.ASSET_UNDECLARED),
        "asset out of scope": ("mufg-hunter", stage.assets["mufg-core"], Reason.ASSET_OUT_OF_SCOPE),
        "closed window": ("mufg-weekend", web, Reason.WINDOW_CLOSED),
        "budget spent": ("smbc-pilot", stage.assets["smbc-web"], Reason.BUDGET_SPENT),
    }


def _denied(stage: Stage, principal: str, asset: str | None, due: Reason) -> tuple[str, Mapping[str, str]]:
    with calling(stage, stage.principals[principal], asset=asset) as http:
        answer = chat(stage, http, GPT)
    code = denied_code(answer)
    require(code == due.value, f"{principal} was denied with {code}, not {due.value}")
    text = denied_text(answer)
    require(text["en"] and text["ja"], "a denial lacks a sentence in one of the languages")
    return code, text


def _one_call(stage: Stage) -> httpx2.Response:
    with calling(stage, stage.principals["smbc-pilot"], asset=stage.assets["smbc-web"]) as http:
        return chat(stage, http, GPT)


def _suspend(stage: Stage, principal: str) -> None:
    """Suspend one person, never the institution: a hold by one party, with its basis and its end."""
    now = stage.clock.now()
    hold = Hold(
        id=HoldId(stage.ids.new("hld")),
        programme=PROGRAMME,
        placed_by="japan",
        target=Target(kind=TargetKind.PRINCIPAL, id=stage.principals[principal].id),
        basis="Demo: use outside the person's habit, under review.",
        placed_at=now,
        lapses_at=now + SUSPENSION,
    )
    stage.office.post("/holds", stage.signed("hold", hold_payload(hold), "japan"))


def _unauthenticated(stage: Stage) -> Mapping[str, Any]:
    """Send a stolen token without its key, a proof twice, and a guess; on the wire they must be one and the same."""
    with calling(stage, stage.principals["mufg-hunter"], asset=stage.assets["mufg-web"]) as http:
        good = chat(stage, http, GPT)
    require(good.is_success, "the hunter's own call was denied")
    sent = good.request.headers
    token = sent["authorization"].removeprefix("DPoP ")
    nonce = good.headers.get("dpop-nonce") or _fresh_nonce(stage)
    thief = SigningKey(generate_private_key(SECP256R1()))
    stolen = make_proof(
        key=thief,
        method="POST",
        url=f"{stage.gate_origin}/v1/chat/completions",
        jti=stage.ids.new("jti"),
        at=stage.clock.now(),
        token=token,
        nonce=nonce,
    )
    answers = {
        "token without its key": _post(stage, {"authorization": f"DPoP {token}", "dpop": stolen}),
        "replayed proof": _post(stage, {"authorization": sent["authorization"], "dpop": sent["dpop"]}),
        "a guess": _post(stage, {"authorization": "Bearer sk-guess"}),
    }
    seen = {(answer.status_code, answer.content, _steady(answer)) for answer in answers.values()}
    require(len(seen) == 1, "a stranger can tell two refusals apart")
    counted = _counted(stage)
    for reason in (Reason.PROOF_KEY_MISMATCH, Reason.PROOF_REPLAYED, Reason.TOKEN_MISSING):
        require(reason.value in counted, f"{reason.value} is not counted by the gate")
    return {
        "on_the_wire": sorted({f"{answer.status_code} {denied_code(answer)}" for answer in answers.values()}),
        "in_the_log": {
            "token without its key": Reason.PROOF_KEY_MISMATCH.value,
            "replayed proof": Reason.PROOF_REPLAYED.value,
            "a guess": Reason.TOKEN_MISSING.value,
        },
        "at": format_utc(stage.clock.now()),
    }


def _post(stage: Stage, headers: Mapping[str, str]) -> httpx2.Response:
    url = f"{stage.gate_origin}/v1/chat/completions"
    return httpx2.post(url, json=chat_body(GPT), headers=dict(headers), trust_env=False)


def _fresh_nonce(stage: Stage) -> str:
    return _post(stage, {}).headers["dpop-nonce"]


def _steady(answer: httpx2.Response) -> tuple[tuple[str, str], ...]:
    """Return the headers without the two that change with time for everybody."""
    changing = {"date", "dpop-nonce"}
    return tuple(sorted((name, value) for name, value in answer.headers.items() if name not in changing))


def _counted(stage: Stage) -> str:
    """Return what the gate's admin listener counts."""
    run = stage.read_run_file(stage.places.gate_run(GATE_SLOT))
    answer = httpx2.get(f"http://{run['host']}:{run['admin_port']}/metrics", trust_env=False)
    if not answer.is_success:
        raise ActFailed("the gate's admin listener does not answer")
    return answer.text
