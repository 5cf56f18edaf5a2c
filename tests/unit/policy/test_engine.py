"""Cedar's own integration tests, through our wrapper; then the same with pieces taken away."""

import copy
import json

import pytest

from sekisho.policy import PolicyDenied, PolicyFailed, PolicyRefused
from sekisho.policy.engine import MAX_POLICY_TEXT_SIZE, compile_set, evaluate, parse_schema


@pytest.fixture(scope="module")
def cases(vectors):
    """(name, policy text, entities, schema handle, requests, whether the policies fit the schema)."""
    root = vectors / "cedar"
    made = []
    for path in sorted((root / "tests").glob("*/*.json")):
        case = json.loads(path.read_text())
        made.append(
            (
                f"{path.parent.name}/{path.stem}",
                (root / case["policies"]).read_text(),
                json.loads((root / case["entities"]).read_text()),
                parse_schema((root / case["schema"]).read_text()),
                case["requests"],
                case["shouldValidate"],
            )
        )
    return made


def _verdict(compiled, request):
    asked = {name: request[name] for name in ("principal", "action", "resource", "context")}
    try:
        return "allow", list(evaluate(compiled, asked))
    except PolicyDenied as denial:
        return "deny", list(denial.forbidden_by)
    except PolicyFailed:
        return "fail", []


def test_cedars_own_policies_are_validated_as_expected(cases):
    """All 22 sets: those that fit their schema compile, and those that do not are refused."""
    assert len(cases) == 22
    for name, text, entities, schema, _, fits in cases:
        try:
            compile_set(text, entities, schema)
            compiled = True
        except PolicyRefused:
            compiled = False
        assert compiled == fits, name


def test_cedars_own_requests_are_decided_as_expected(cases):
    """All 74 requests: decision and reasons."""
    decided = 0
    for name, text, entities, schema, requests, _ in cases:
        compiled = compile_set(text, entities, schema)
        for request in requests:
            assert _verdict(compiled, request) == (request["decision"], request["reason"]), name
            decided += 1
    assert decided == 74


def _drops(entities):
    for index, entity in enumerate(entities):
        yield entities[:index] + entities[index + 1 :]
        for name in entity["attrs"]:
            bent = copy.deepcopy(entities)
            del bent[index]["attrs"][name]
            yield bent


def test_nothing_that_goes_missing_opens_a_request(cases):
    """Beyond Cedar's tests: without any one entity or attribute, no denial of theirs becomes a permit."""
    tried = 0
    for name, text, entities, schema, requests, _ in cases:
        for bent in _drops(entities):
            try:
                compiled = compile_set(text, bent, schema)
            except PolicyRefused:
                continue
            for request in requests:
                verdict, _ = _verdict(compiled, request)
                assert verdict != "allow" or request["decision"] == "allow", (name, request["description"])
                tried += 1
    assert tried > 0


def test_text_beyond_the_limit_is_not_parsed(cases):
    """The size is looked at first."""
    _, _, entities, schema, _, _ = cases[0]
    with pytest.raises(PolicyRefused, match="more than"):
        compile_set(" " * (MAX_POLICY_TEXT_SIZE + 1), entities, schema)


def test_a_schema_that_does_not_parse_is_refused():
    """An error of ours, not the engine's."""
    with pytest.raises(PolicyRefused):
        parse_schema("entity")
