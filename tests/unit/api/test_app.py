"""The control plane's HTTP as a whole: who gets in, what comes back for what no client should send."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.api import app as app_module
from sekisho.ledger.errors import LedgerUnavailable

JSON = {"content-type": "application/json"}
CODE = re.compile(r"SKS-[A-Z]+-\d{3}")


def _problem(answer: Any, *, status: int | None = None) -> dict[str, Any]:
    """Return the problem document in `answer`, after checking that it is a whole one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:200]
    value = answer.json()
    assert set(value) == {"type", "title", "status", "code", "message", "hint"}
    assert CODE.fullmatch(value["code"])
    assert value["status"] == answer.status_code
    assert value["message"]
    assert value["hint"]
    assert "Traceback" not in answer.text
    if status is not None:
        assert answer.status_code == status, answer.text
    return dict(value)


def _routes(served: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and JSON schema (empty where the body is a document) of every route of the office."""
    document = served.http.get("/api/v1/openapi.json").json()
    schemas = document["components"]["schemas"]
    routes = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            routes.append((method.upper(), path, schemas.get(name, {})))
    return routes


def test_the_routes_are_those_that_the_command_line_calls(shared: Any) -> None:
    """The walk below is over all of them, so it must not have become a walk over none."""
    assert len(_routes(shared)) >= 17
    assert all(path.startswith("/api/v1/") for _, path, _ in _routes(shared))


FALSE_CREDENTIALS = [
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Bearer "},
    {"authorization": "Bearer sko_" + "a" * 43},
    {"authorization": "Basic OFFICE"},
    {"authorization": "OFFICE"},
    {"authorization": "Bearer OFFICEx"},
    {"authorization": "Bearer  OFFICE"},
    {"authorization": "Bearer \xff\xfe"},
]


def test_nothing_of_the_office_is_open_to_a_stranger(shared: Any) -> None:
    """Every route, known or not, with no body, garbage or a good one: one answer, the body never looked at."""
    paths = [(method, path.replace("{case_id}", "cas_1")) for method, path, _ in _routes(shared)]
    answers = set()
    for method, path in [*paths, ("GET", "/api/v1/nothing"), ("DELETE", "/api/v1"), ("PUT", "/api/v1/grants")]:
        for headers in FALSE_CREDENTIALS:
            raw = {
                name: value.replace("OFFICE", shared.credential).encode("latin-1") for name, value in headers.items()
            }
            answer = shared.stranger.request(
                method, path, headers=raw | JSON, content=b"{" if method != "GET" else None
            )
            assert _problem(answer, status=401)["code"] == "SKS-API-001"
            answers.add(answer.content)
    assert len(answers) == 1


def test_two_credentials_are_none(shared: Any) -> None:
    """Which one a proxy in front has judged, nobody can know."""
    for pair in [(shared.credential, "x"), ("x", shared.credential), (shared.credential, shared.credential)]:
        headers = [("authorization", f"Bearer {credential}") for credential in pair]
        _problem(shared.stranger.get("/api/v1/grants", headers=headers), status=401)


def test_the_path_cannot_be_spelled_past_the_guard(shared: Any) -> None:
    """What the guard lets through unseen, no route takes."""
    for path in (
        "//api/v1/grants",
        "/api/v1//grants",
        "/API/V1/grants",
        "/api/./v1/grants",
        "/api%2fv1/grants",
        "/api/v1%2fgrants",
    ):
        assert shared.stranger.get(path).status_code in (401, 404), path


def test_health_and_metadata_are_open(shared: Any) -> None:
    """Probes and defenders carry no office credential."""
    for path in ("/livez", "/readyz", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"):
        assert shared.stranger.get(path).status_code == 200
    assert shared.stranger.get("/api/v1/openapi.json").status_code == 200


def test_readiness_fails_with_the_ledger(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, so that a load balancer turns away; alive all the same."""
    monkeypatch.setattr(served.world.log, "_trouble", LedgerUnavailable("full"))
    assert _problem(served.stranger.get("/readyz"), status=503)["code"] == "SKS-LEDGER-010"
    assert served.stranger.get("/livez").status_code == 200


def test_unknown_paths_and_methods_are_problems(shared: Any) -> None:
    """Never a page of the framework, never a redirect."""
    for method, path in [
        ("GET", "/"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1/grants/"),
        ("DELETE", "/api/v1/grants"),
        ("PUT", "/api/v1/charter"),
        ("GET", "/api/v1/cases/x/notices"),
        ("GET", "/docs"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/livez"),
    ]:
        assert _problem(shared.http.request(method, path), status=404)["code"] == "SKS-API-003"


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"lei": "\xff"}',
    "UTF-16": '{"lei": "x"}'.encode("utf-16"),
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "text": b'"x"',
    "NaN": b'{"lei": NaN}',
    "float": b'{"lei": 1.5}',
    "huge number": b'{"lei": ' + b"9" * 10_000 + b"}",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "name twice": b'{"lei": "a", "lei": "b"}',
    "lone surrogate": b'{"institution_id": "\\ud800", "name": "\\udfff"}',
    "unknown name with a surrogate": b'{"\\ud800": 1}',
    "NUL": b'{"institution_id": "\\u0000", "kind": "bank"}',
    "unknown name": b'{"is_admin": true}',
    "a megabyte of a name": b'{"' + b"x" * 1_000_000 + b'": 1}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hostile_body_is_a_problem_on_every_route(shared: Any, body: bytes) -> None:
    """Refused with a code, whatever the route expects, with or without a charter; and no row is left."""
    for method, path, _ in _routes(shared):
        if method == "POST":
            url = path.replace("{case_id}", "cas_1")
            for headers in (JSON, {"content-type": "text/plain"}, {}):
                query = {"institution_id": "ins_1", "asset_id": "ast_1"}
                answer = shared.http.post(url, content=body, headers=headers, params=query)
                assert 400 <= answer.status_code < 500, (url, answer.text)
                assert len(_problem(answer)["message"]) < 2_000
    assert shared.get("/institutions").json() == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _near(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return bodies with the names of `schema` and values of any kind, some left out, some beside."""
    names = list(schema.get("properties", {"kind": {}}))
    return st.fixed_dictionaries({}, optional=dict.fromkeys([*names, "other"], VALUES))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_json_is_taken_or_refused_with_a_code(shared: Any, data: st.DataObject) -> None:
    """The OpenAPI document's own routes, walked with what it does not promise."""
    for method, path, schema in _routes(shared):
        if method == "POST":
            body = data.draw(_near(schema) | VALUES, label=path)
            answer = shared.http.post(
                path.replace("{case_id}", "cas_1"),
                content=json.dumps(body).encode(),
                headers=JSON,
                params={"institution_id": data.draw(st.text(max_size=8)), "asset_id": "ast_1"},
            )
            assert 400 <= answer.status_code < 500, (path, body, answer.text)
            _problem(answer)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_wherever_it_goes(
    world: Any, serve: Any, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    """By what it says of its length, and by what it turns out to be."""
    monkeypatch.setattr(app_module, "MAX_BODY_BYTES", 1_000)
    with world.open():
        served = serve(world)
        for method, path, _ in _routes(served):
            if method == "POST":
                content: Any = iter([b"x" * 500] * 3) if chunked else b"x" * 1_500
                url = path.replace("{case_id}", "cas_1")
                query = {"institution_id": "ins_1", "asset_id": "ast_1"}
                answer = served.http.post(url, content=content, headers=JSON, params=query)
                assert _problem(answer, status=413)["code"] == "SKS-API-004"


def test_what_is_sent_as_a_secret_does_not_come_back(shared: Any) -> None:
    """A private key sent by mistake: not in the answer, wherever it was put."""
    secret = "c2VjcmV0LXByaXZhdGUta2V5LW1hdGVyaWFsLTEyMzQ"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": secret, "d": secret}
    base = {"institution_id": "ins_1", "kind": "workload", "name": "w"}
    for body in (
        {**base, "key": jwk},
        {**base, "key": secret},
        {**base, "key": {"kty": secret}},
        {**base, "key": {"d": [secret]}},
        {**base, "kind": 5, "key": [secret]},
        {**base, "d": secret, "key": jwk},
    ):
        answer = shared.post("/principals", body)
        assert secret not in answer.text
        _problem(answer)


def test_a_bug_of_ours_is_a_problem_too(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with a code, and nothing of the cause."""

    def buggy(_question: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(served.world.office, "read", buggy)
    answer = served.get("/grants")
    assert _problem(answer, status=500)["code"] == "SKS-API-005"
    assert "secret detail" not in answer.text


def test_stores_that_fail_are_an_outage_and_no_refusal(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """503: try again. Nothing says that the document was refused, since it may stand."""
    served.begin()

    def full(*_a: Any) -> int:
        raise LedgerUnavailable("full")

    hold = served.world.hold()
    with monkeypatch.context() as patch:
        patch.setattr(served.world.office, "_append", full)
        answer = served.post("/holds", hold)
    assert _problem(answer, status=503)["code"] == "SKS-LEDGER-010"
    assert served.post("/holds", hold).status_code == 200
    kinds = [kind.value for kind in served.world.kinds()]
    assert kinds.count("hold-placed/v1") == 1
    assert "document-refused/v1" not in kinds


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("erasures", {"request_ids": [], "basis": "Over."}),
        ("erasures", {"request_ids": ["../../x"], "basis": "Over."}),
        ("erasures", {"request_ids": [f"req_{1:026d}"] * 201, "basis": "Over."}),
        ("erasures", {"request_ids": [f"req_{1:026d}"]}),
        ("erasures", {"request_ids": [f"req_{1:026d}"], "basis": ""}),
        ("erasures", {"request_ids": [f"req_{1:026d}"], "basis": "Over.", "erased_by": "somebody else"}),
        ("erasures", {"request_ids": [f"req_{1:026d}"], "basis": "Over."}),
        ("releases", {"request_id": f"req_{1:026d}", "basis": "Case 7."}),
        ("releases", {"request_id": f"req_{1:026d}", "requested_by": "", "basis": "Case 7."}),
        ("releases", {"request_id": f"req_{1:026d}", "requested_by": "auditor-a", "basis": "Case 7."}),
    ],
)
def test_content_is_neither_erased_nor_handed_out_without_a_call_and_a_reason(
    shared: Any, path: str, body: dict[str, Any]
) -> None:
    """Refused with a code, and nothing on record; no gate is connected here, so no call is known either."""
    before = shared.world.kinds()
    answer = shared.post(f"/transcripts/{path}", body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"].startswith("SKS-")
    assert shared.world.kinds() == before
