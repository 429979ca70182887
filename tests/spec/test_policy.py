"""A policy is refused before it is served when anything in it is wrong, and the refusal says where."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import PolicyRefused
from service.core import parse_policy
from service.core.gates import REGISTRY
from service.core.policy import examine
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    everybodys_texts,
    judge,
    policy_texts,
    statements,
    verdicts,
)


def refused(change: tuple[str, str], pack: str = "house_default.toml") -> PolicyRefused:
    texts = policy_texts()
    assert change[0] in texts[pack]
    texts[pack] = texts[pack].replace(*change, 1)
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(texts)
    return caught.value


def test_the_packs_of_the_house_are_accepted() -> None:
    assert "house-default@" in POLICY.version and "us-federal@" in POLICY.version
    assert re.fullmatch("[0-9a-f]{64}", POLICY.sha256)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("[gates.G03]", "[gates.G99]"), "unknown-gate"),
        (('[gates.G42]\ncitation = "House', '[gates.G42]\nnote = "House'), "gate-without-citation"),
        (
            ('citation = "House rule: no case while responsibility is open"', 'citation = " "'),
            "gate-without-citation",
        ),
        (("[gates.G41]", "[gates.G41"), "policy-syntax"),
        (('name = "grace_days"', 'name = "grace"'), "unknown-parameter"),
        (("value = 60", "value = 60.5"), "wrong-type"),
        (("value = 60", 'value = "60"'), "wrong-type"),
        (("value = 60", "value = true"), "wrong-type"),
        (("value = 60", "value = -60"), "wrong-type"),
        (('value = "25.00"', 'value = "25.001"'), "wrong-type"),
        (('value = "25.00"\nunit = "USD"', 'value = "25.00"\nunit = "EUR"'), "wrong-unit"),
        (('stage = "place"', 'stage = "lawsuit"'), "unknown-stage"),
        (('stage = "place"\nvalue = 120', 'stage = "open_case"\nvalue = 120'), "overlapping-dates"),
        (('version = "2026.11.0"', ""), "policy-without-version"),
        (('value = 60\nunit = "days"', 'value = 60\nunit = "days"\neffective_from = "soon"'), "wrong-type"),
        (("[gates.G01]", "[gate.G01]"), "unknown-section"),
    ],
)
def test_a_wrong_pack_is_refused(change: tuple[str, str], code: str) -> None:
    error = refused(change)
    assert error.code == code
    assert error.where.startswith("house_default.toml")


def test_a_refusal_names_file_and_line() -> None:
    error = refused(("[gates.G03]", "[gates.G99]"))
    line = policy_texts()["house_default.toml"].splitlines().index("[gates.G03]") + 1
    assert error.where == f"house_default.toml:{line}"


def test_a_gate_that_no_pack_cites_is_refused() -> None:
    texts = policy_texts()
    del texts["us_federal.toml"]
    with pytest.raises(PolicyRefused, match="has no citation"):
        parse_policy(texts)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('class = "BUNDLED"', 'class = "BUNDLE"'), "unknown-class"),
        (('codes = ["23"]', 'codes = ["1"]'), "overlapping-dates"),
        (('codes = ["23"]', "codes = [23]"), "wrong-type"),
        (('text = "A price estimate before the service."', 'text = ""'), "code-without-text"),
    ],
)
def test_a_wrong_code_table_is_refused(change: tuple[str, str], code: str) -> None:
    assert refused(change, "carc.toml").code == code


def test_any_change_of_a_value_changes_the_digest() -> None:
    texts = policy_texts()
    texts["house_default.toml"] = texts["house_default.toml"].replace("value = 60", "value = 61", 1)
    assert parse_policy(texts).sha256 != POLICY.sha256


def test_a_comment_changes_nothing() -> None:
    texts = policy_texts()
    texts["house_default.toml"] += "\n# a remark\n"
    assert parse_policy(texts).sha256 == POLICY.sha256


def test_a_value_holds_from_its_day_until_the_next() -> None:
    texts = policy_texts()
    texts["house_default.toml"] = texts["house_default.toml"].replace(
        'value = 60\nunit = "days"',
        'value = 60\nunit = "days"\neffective_until = 2026-03-05\n[[gates.G41.value]]\nname = "min_days"\n'
        'stage = "open_case"\nvalue = 90\nunit = "days"\neffective_from = 2026-03-05',
        1,
    )
    policy = parse_policy(texts)
    facts = [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
        *statements(),
    ]
    assert day(63) == date(2026, 3, 5)
    assert judge(facts, 62, policy)[2].opens_case
    assert judge(facts, 62, policy)[2].review_on == day(63)
    assert verdicts(judge(facts, 63, policy)[2]) == {"G41": "hold"}


def test_a_day_without_a_value_holds() -> None:
    texts = policy_texts()
    texts["house_default.toml"] = texts["house_default.toml"].replace(
        'value = 60\nunit = "days"', 'value = 60\nunit = "days"\neffective_from = 2027-01-01', 1
    )
    facts = [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
        *statements(),
    ]
    assert verdicts(judge(facts, 100, parse_policy(texts))[2]) == {"G41": "hold"}


def test_every_gate_is_a_sentence_that_can_be_true() -> None:
    assert len({gate.id for gate in REGISTRY}) == len(REGISTRY) >= 40
    for gate in REGISTRY:
        assert len(gate.name.split("_")) >= 3 and gate.standing.endswith(".")
        assert gate.ask.__doc__ and gate.ask.__doc__.startswith(f"{gate.id}:")


HEAD = '[policy]\nid = "ours"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('[policy]\nid = "x"\nversion = "1"\nprecedence = -1', "wrong-type", 4),
        ('[policy]\nid = "x"\nversion = "1"\nprecedense = 1', "unknown-key", 4),
        ('[policy]\nid = "house-default"\nversion = "1"', "pack-twice", 2),
        ("policy = 3", "wrong-type", 1),
        (HEAD + "[scope]\ncounty = ['Kings']", "unknown-scope-key", 5),
        (HEAD + "[scope]\nstate = 'NY'", "wrong-type", 5),
        (HEAD + "[scope]\nstate = []", "wrong-type", 5),
        (HEAD + '[scope]\nstate = [\n["NY"],\n]\ncounty = 1', "unknown-scope-key", 8),
        (HEAD + "precedence = 2\n[scope]\nstate = ['NY']", "precedence-in-scoped-pack", 4),
        (
            HEAD + "[scope]\nstate = ['NY']\n[[reason]]\ncodes=['1']\nclass='REVIEW'\ntext='x'",
            "not-in-scoped-pack",
            6,
        ),
        (HEAD + "[facility]\nGEN = 1", "wrong-type", 5),
        (HEAD + "[facility.GEN]\ntax_exempt = 'yes'", "wrong-type", 5),
        (HEAD + "[facility.GEN]\nstat = 'NY'", "unknown-key", 5),
        ("gates = []\n" + HEAD, "wrong-type", 1),
        (HEAD + "[gates]\nG41 = 60", "wrong-type", 5),
        (HEAD + "[gates.G41]\ncitation = 'c'\nvalues = []", "unknown-key", 6),
        (HEAD + "[gates.G41]\ncitation = 'c'\nvalue = 60", "wrong-type", 6),
        (HEAD + "[gates.G41]\ncitation = 'c'\nvalue = [60]", "wrong-type", 6),
        (
            HEAD + "[gates.G41]\ncitation = 'c'\n[[gates.G41.value]]\n# why\nname = 'min_days'\n"
            "value = 99999999999\nunit = 'days'",
            "wrong-type",
            9,
        ),
        (
            HEAD + "[gates.G41]\ncitation = '''a\n[gates.G99]\nb'''\n[[gates.G41.value]]\n"
            "name = 'min_days'\nvalue = 1\nunit = 'day'",
            "wrong-unit",
            11,
        ),
        (
            HEAD + "[gates.G41]\ncitation = 'c'\n[[gates.G41.value]]\nname = 'min_days'\nvalue = 1\n"
            "unit = 'days'\neffective_form = 2026-01-01",
            "unknown-key",
            10,
        ),
        (
            HEAD + "[gates.G42]\ncitation = 'c'\n[[gates.G42.value]]\nname = 'min_balance'\n"
            "value = '-1.00'\nunit = 'USD'",
            "wrong-type",
            8,
        ),
        (HEAD + "[[reason]]\ncodes=[\n'Z1', # one\n'Z2']\nclass='RE'\ntext='x'", "unknown-class", 8),
        (HEAD + "[reason]\ncodes=['Z1']", "wrong-type", 4),
        (
            HEAD + "[[reason]]\ncodes=['Z1']\nclass='REVIEW'\ntext='x'\neffective_until=2026-01-01\n"
            "effective_from=2026-01-01",
            "empty-period",
            8,
        ),
        (HEAD + "[[group]]\ncode = 'CO'\ntext = 'x'", "stated-twice", 4),
        (HEAD + "[[group]]\ncode = 1\ntext = 'x'", "wrong-type", 4),
        (HEAD + "[gates.G41\n", "policy-syntax", 4),
        (HEAD + "x = '\u0000'", "policy-syntax", 4),
    ],
)
def test_a_refusal_names_the_very_line(text: str, code: str, line: int) -> None:
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(policy_texts() | {"ours.toml": text})
    assert (caught.value.code, caught.value.where) == (code, f"ours.toml:{line}")


def stated(gate: str, name: str, value: str, unit: str, stage: str) -> str:
    return (
        f"[gates.{gate}]\ncitation = 'c'\n[[gates.{gate}.value]]\nname = '{name}'\nvalue = {value}\n"
        f"unit = '{unit}'\nstage = '{stage}'\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (stated("G40", "days_apart", "30", "days", "place"), "one value for all stages"),
        (stated("G30", "days_after_denial", "45", "days", "open_case"), "one value for all stages"),
        (stated("G49", "days", "45", "days", "extraordinary"), "for all stages or for place"),
        (stated("G70", "banned", "true", "flag", "place"), "for all stages or for extraordinary"),
    ],
)
def test_a_value_for_a_stage_at_which_no_gate_looks_at_it_is_refused(text: str, said: str) -> None:
    """It would be shown as in force there, and nothing would go by it."""
    with pytest.raises(PolicyRefused, match=said) as caught:
        parse_policy(policy_texts() | {"ours.toml": HEAD + text})
    assert (caught.value.code, caught.value.where) == ("stage-without-effect", "ours.toml:10")


@pytest.mark.parametrize(
    ("gate", "name", "value", "unit", "stage"),
    [
        ("G49", "days", "45", "days", "place"),
        ("G20", "discovery_days", "20", "days", "place"),
        ("G70", "banned", "true", "flag", "extraordinary"),
        ("G41", "min_days", "90", "days", "open_case"),
        ("G41", "min_days", "150", "days", "place"),
        ("G41", "min_days", "300", "days", "extraordinary"),
    ],
)
def test_a_value_for_a_stage_that_goes_by_it_is_accepted(
    gate: str, name: str, value: str, unit: str, stage: str
) -> None:
    parse_policy(policy_texts() | {"ours.toml": HEAD + "[scope]\n" + stated(gate, name, value, unit, stage)})


def test_what_a_pack_states_for_an_agency_holds_from_there_on() -> None:
    """The days of the final notice, 45 before an agency where 30 are everybody's, and no fewer after it."""
    longer = HEAD + "[scope]\n" + stated("G49", "days", "45", "days", "place")
    policy = parse_policy(policy_texts() | {"ours.toml": longer})
    facts = [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
        *statements(),
    ]
    for stage in ("place", "extraordinary"):
        assert verdicts(judge(facts, 104, policy)[2], stage)["G49"] == "hold"
        assert "G49" not in verdicts(judge(facts, 105, policy)[2], stage)


def test_what_a_pack_states_for_extraordinary_actions_is_not_what_all_others_state() -> None:
    """A time of two years for a court, where three are everybody's."""
    shorter = HEAD + "[scope]\n" + stated("G24", "limitation_days", "730", "days", "extraordinary")
    policy = parse_policy(policy_texts() | {"ours.toml": shorter})
    facts = [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
        *statements(),
    ]
    assert "G24" not in verdicts(judge(facts, 729, policy)[2], "extraordinary")
    assert verdicts(judge(facts, 730, policy)[2], "extraordinary")["G24"] == "block"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = HEAD + "[gates.G99]\ncitation = 'c'\n[gates.G41]\n[scope]\ncounty = 1"
    found = examine(everybodys_texts() | {"ours.toml": text})
    assert found.policy is None
    assert sorted(e.where for e in found.refused) == ["ours.toml:4", "ours.toml:6", "ours.toml:8"]


def test_a_value_that_is_missing_is_told() -> None:
    texts = everybodys_texts()
    texts["house_default.toml"] = texts["house_default.toml"].replace(
        'stage = "place"\nvalue = 120', 'stage = "place"\neffective_until = 2026-06-01\nvalue = 120', 1
    )
    assert ["place" in w.reason and "G41" in w.reason for w in examine(texts).warned] == [True]


@settings(deadline=None)
@given(st.text(alphabet="[]=.\"'\\\n#{}, aG41policydv0123", max_size=120))
def test_no_pack_however_odd_ends_in_anything_but_a_refusal(text: str) -> None:
    examine(everybodys_texts() | {"odd.toml": HEAD + text})
