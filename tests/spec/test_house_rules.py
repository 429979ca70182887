"""House rules: an expression over documented values adds a restriction, traced like a gate, never allows."""

from __future__ import annotations

import json

import pytest

from schemas.decisions import STAGES, Decision, Finding
from schemas.errors import PolicyRefused
from schemas.facts import AccountRegistered
from service.core import Policy, parse_policy, read_decision
from service.core.glance import glance
from service.core.policy import VALUES, compare
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    paid,
    policy_texts,
    statements,
    verdicts,
)

pytest.importorskip(
    "rule_engine", reason="the library rule-engine, which reads expressions, is not installed"
)
from service.rules import Expression

HEAD = '[policy]\nid = "ours"\nversion = "1"\n'
RULE = """
[[rule]]
id = "H01"
name = "a supervisor has seen the account"
when = "{when}"
stage = ["open_case", "place"]
verdict = "hold"
because = "A supervisor looks at large balances first."
citation = "Collections manual 4.2"
lifted_by = "account.cleared manual"
"""


def pack(when: str, more: str = "", head: str = HEAD) -> str:
    return head + RULE.format(when=when) + more


def with_rule(when: str, more: str = "", head: str = HEAD) -> Policy:
    return parse_policy(policy_texts() | {"ours.toml": pack(when, more, head)}, Expression)


def ready(amount: str = "320.00") -> list[object]:
    return [
        adult(),
        covered("P1"),
        charged(amount),
        decided(amount, "0.00", f"PR-1 {amount}", on=-5),
        *statements(),
    ]


def house(decision: Decision) -> list[Finding]:
    return [f for f in decision.findings if f.gate == "H01"]


def test_a_rule_holds_while_its_expression_is_true() -> None:
    policy = with_rule("net_cents > 30000 and 'commercial' in payer_kinds")
    assert verdicts(judge(ready(), 62, policy)[2]) == {"H01": "hold"}  # type: ignore[arg-type]
    assert judge(ready("290.00"), 62, policy)[2].opens_case  # type: ignore[arg-type]


def test_a_rule_is_traced_like_a_gate() -> None:
    account, _, decision = judge(ready(), 62, with_rule("net_cents > 30000"))  # type: ignore[arg-type]
    opening, place, extraordinary = house(decision)
    assert [f.stage for f in (opening, place, extraordinary)] == list(STAGES)
    assert (opening.verdict.word, extraordinary.verdict.word) == ("hold", "allow")
    assert opening.name == "a_supervisor_has_seen_the_account"
    assert opening.because == "A supervisor looks at large balances first."
    assert opening.citation == "Collections manual 4.2" and opening.lifted_by == "account.cleared manual"
    assert opening.parameters == (("when", "net_cents > 30000"), ("net_cents", 32000))
    assert opening.set_by == (("when", "ours@1"),)
    assert opening.evidence and set(opening.evidence) <= {f.id for f in account.facts}


@pytest.mark.parametrize("when", ["net_cents > 30000", "net_cents > 90000", "as_of > d'2026-01-01'", "flags"])
def test_a_decision_with_rules_reads_back_as_it_was(when: str) -> None:
    when = "flags == {'manual'}" if when == "flags" else when
    policy = with_rule(when)
    decision = judge([*ready(), flagged("manual", 1)], 62, policy)[2]  # type: ignore[list-item]
    assert read_decision(decision.content, policy) == decision
    assert len(house(decision)) == 3


@pytest.mark.parametrize(
    "stages", [["place"], ["open_case", "extraordinary"], ["extraordinary"], ["open_case", "place"]]
)
def test_a_rule_speaks_at_its_stages_alone_and_is_read_back_so(stages: list[str]) -> None:
    text = pack("net_cents > 30000").replace('["open_case", "place"]', json.dumps(stages))
    policy = parse_policy(policy_texts() | {"ours.toml": text}, Expression)
    decision = judge(ready(), 62, policy)[2]  # type: ignore[arg-type]
    assert [f.stage for f in house(decision) if f.verdict.word == "hold"] == stages
    assert read_decision(decision.content, policy) == decision


@pytest.mark.parametrize("stages", [["place"], ["open_case", "extraordinary"], ["extraordinary"]])
@pytest.mark.parametrize("when", ["net_cents > 30000", "net_cents > 90000"])
def test_a_glance_sees_what_a_rule_says_about_opening_a_case(stages: list[str], when: str) -> None:
    text = pack(when).replace('["open_case", "place"]', json.dumps(stages))
    policy = parse_policy(policy_texts() | {"ours.toml": text}, Expression)
    account, owes, decision = judge(ready(), 62, policy)  # type: ignore[arg-type]
    seen = glance(account, owes, policy, day(62))
    in_the_way = {f.gate for f in decision.findings if f.stage == "open_case" and f.verdict.word != "allow"}
    assert (seen.opens, set(seen.binding)) == (decision.opens_case, in_the_way)


def test_a_rule_with_nothing_to_say_does_not_silence_the_next() -> None:
    second = RULE.format(when="net_cents > 30000").replace("H01", "H02")
    policy = with_rule("net_cents > 90000", second)
    assert verdicts(judge(ready(), 62, policy)[2]) == {"H02": "hold"}  # type: ignore[arg-type]


def test_without_rules_nothing_in_a_decision_changes() -> None:
    assert judge(ready(), 62)[2].content == judge(ready(), 62, POLICY)[2].content  # type: ignore[arg-type]
    assert POLICY.on(day(0)).rules == ()


def test_a_missing_value_holds_unless_the_expression_says_what_missing_means() -> None:
    found = judge(ready(), 62, with_rule("financial_class == 'SP'"))[2]  # type: ignore[arg-type]
    assert verdicts(found) == {"H01": "hold"}
    assert "financial_class" in house(found)[0].because
    minds = with_rule("financial_class != null and financial_class == 'SP'")
    assert judge(ready(), 62, minds)[2].opens_case  # type: ignore[arg-type]
    stated = fact(AccountRegistered(financial_class="COM"), -29)
    assert judge([*ready(), stated], 62, with_rule("financial_class == 'SP'"))[2].opens_case  # type: ignore[list-item]


def test_an_expression_that_fails_on_an_account_holds() -> None:
    class Failing:
        uses = ("net_cents",)
        minds_missing = False

        def holds(self, values: object) -> bool:
            raise ValueError("no")

    policy = parse_policy(policy_texts() | {"ours.toml": pack("net_cents > 1")}, lambda text: Failing())
    found = judge(ready(), 62, policy)[2]  # type: ignore[arg-type]
    assert verdicts(found) == {"H01": "hold"} and "could not be worked out" in house(found)[0].because


def test_a_rule_may_end_a_number_of_days_after_a_day_of_the_account() -> None:
    policy = with_rule("patient_paid_cents > 0", 'until_days = 90\nuntil_from = "last_payment_on"\n')
    facts = [*ready(), paid("20.00", 10)]
    held = judge(facts, 70, policy)[2]  # type: ignore[arg-type]
    assert verdicts(held) == {"H01": "hold"}
    assert house(held)[0].until == day(100) == held.review_on
    assert judge(facts, 100, policy)[2].opens_case  # type: ignore[arg-type]


def test_a_rule_about_days_is_looked_at_again_every_day() -> None:
    policy = with_rule("days_since_first_statement < 70")
    held = judge(ready(), 65, policy)[2]  # type: ignore[arg-type]
    assert verdicts(held) == {"H01": "hold"} and held.review_on == day(66)
    assert judge(ready(), 70, policy)[2].opens_case  # type: ignore[arg-type]


def test_a_rule_of_a_scoped_pack_concerns_its_accounts_alone() -> None:
    head = HEAD + '[scope]\nfacility = ["{}"]\n'
    assert not judge(ready(), 62, with_rule("net_cents > 0", "", head.format("GEN")))[2].opens_case  # type: ignore[arg-type]
    assert judge(ready(), 62, with_rule("net_cents > 0", "", head.format("X")))[2].opens_case  # type: ignore[arg-type]


def test_a_rule_is_in_force_on_its_days() -> None:
    policy = with_rule("net_cents > 0", "effective_from = 2026-03-10\n")
    first = judge(ready(), 62, policy)[2]  # type: ignore[arg-type]
    assert first.opens_case and first.review_on == day(68)
    assert verdicts(judge(ready(), 68, policy)[2]) == {"H01": "hold"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("$now > as_of", "now"),
        ("$today == as_of", "today"),
        ("unheard > 1", "unheard"),
        ("net_cents > 'many'", "mismatch"),
        ("net_cents.__class__ == 1", "attribute"),
        ("facility =~ '(a+)+'", "not allowed"),
        ("[x for x in flags] == flags", "not allowed"),
        ("net_cents", "neither true nor false"),
        ("1 == 1", "uses no value"),
        ("net_cents ** 2 > 1", "not allowed"),
        ("net_cents >", ""),
        ("", "when"),
        ("net_cents > 1 " + "or net_cents > 1 " * 80, "longer"),
    ],
)
def test_an_expression_that_is_not_allowed_is_refused_with_file_and_line(when: str, said: str) -> None:
    with pytest.raises(PolicyRefused, match=said or None) as caught:
        with_rule(when)
    line = next(n for n, text in enumerate(pack(when).splitlines(), 1) if text.startswith("when = "))
    assert caught.value.where == f"ours.toml:{line}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('verdict = "hold"', 'verdict = "allow"'), "unknown-verdict"),
        (('id = "H01"', 'id = "G41"'), "bad-rule-id"),
        (('citation = "Collections manual 4.2"', ""), "incomplete-rule"),
        (('"place"]', '"suit"]'), "unknown-stage"),
        (('lifted_by = "account', 'lifted_buy = "account'), "unknown-key"),
        (('stage = ["open_case", "place"]', "until_days = 3"), "wrong-type"),
        (('stage = ["open_case", "place"]', 'until_days = 3\nuntil_from = "as_of"'), "wrong-type"),
    ],
)
def test_a_wrong_rule_is_refused(change: tuple[str, str], code: str) -> None:
    text = pack("net_cents > 1")
    assert change[0] in text
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(policy_texts() | {"ours.toml": text.replace(*change, 1)}, Expression)
    assert caught.value.code == code


def test_two_rules_of_one_id_are_refused() -> None:
    with pytest.raises(PolicyRefused, match="of its own"):
        with_rule("net_cents > 1", RULE.format(when="net_cents > 2"))


def test_rules_where_nothing_reads_expressions_are_refused() -> None:
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(policy_texts() | {"ours.toml": pack("net_cents > 1")})
    assert caught.value.code == "no-expressions"


def test_every_value_can_be_used_and_read_of_any_account() -> None:
    literal = {
        "cents": "1",
        "count": "1",
        "word": "'x'",
        "words": "{'x'}",
        "day": "d'2026-01-01'",
        "flag": "true",
    }
    for name, value in VALUES.items():
        policy = with_rule(f"{name} == {literal[value.kind]} or {name} == null")
        for facts in (ready(), [adult()]):
            assert len(house(judge(facts, 62, policy)[2])) == 3, name  # type: ignore[arg-type]


def test_a_changed_rule_is_a_difference_in_words() -> None:
    found = compare(with_rule("net_cents > 1"), with_rule("net_cents > 2"))
    (one,) = [difference for difference in found if "H01" in difference.what]
    assert "net_cents > 1" in str(one.before) and "net_cents > 2" in str(one.after)
