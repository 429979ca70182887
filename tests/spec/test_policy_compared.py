"""What one policy changes of another is said in words; and what has no effect, or is likely an oversight."""

from __future__ import annotations

import pytest

from schemas.decisions import STAGES
from service.core.gates import REGISTRY
from service.core.policy import compare, in_words
from tests.spec.policies_made import HEAD, looked_at, policy_of, value

OTHER = "[policy]\nid = 'other'\nversion = '1'\n"
NY = "[scope]\nstate = ['NY']\n"
RULE = (
    "[[rule]]\nid = 'H01'\nname = 'seen by a chief'\nwhen = 'net_cents > 1'\nbecause = 'Seen first.'\n"
    "citation = 'Manual 4'\nverdict = 'hold'\n"
)
SAYS = "seen by a chief: hold for open_case, place, extraordinary when net_cents > 1: Seen first."
LIFT = "[overrides]\ncitation = 'Manual 3'\nmax_days = 90\ndefault_days = 30\n"


def changes(before: str, after: str, head: str = HEAD) -> list[str]:
    """What the sentences say of a pack that changed."""
    return [one.says for one in compare(policy_of(ours=head + before), policy_of(ours=head + after))]


def age(days: object, more: str = "") -> str:
    return value("G41", "min_days", days, "days", more).rstrip("\n") + "\n"


def code(kind: str, more: str = "", *codes: str) -> str:
    return f"[[reason]]\ncodes = {list(codes or ('Z1',))}\nclass = '{kind}'\ntext = 'x'\n{more}"


def remark(kind: str) -> str:
    return f"[[remark]]\ncodes = ['Z1']\neffect = '{kind}'\ntext = 'x'\n"


AGE = "G41 min_days"
FEBRUARY = "effective_from = 2026-02-01\n"
UNTIL = "effective_until = 2026-02-01\n"
LATER = code("BUNDLED", FEBRUARY)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (age(60), age(60), []),
        (age(60), age(75), [f"{AGE}: 60 days → 75 days"]),
        (age(60) + LATER, age(75) + LATER, [f"{AGE}: 60 days → 75 days"]),
        (age(60), age(60) + FEBRUARY, [f"{AGE} until 2026-02-01: removed, was 60 days"]),
        (age(60), age(60) + UNTIL, [f"{AGE} from 2026-02-01: removed, was 60 days"]),
        (age(60) + UNTIL, age(60), [f"{AGE} from 2026-02-01: added, 60 days"]),
        (
            age(60),
            age(1, UNTIL) + age(2, FEBRUARY).split("\n", 2)[2],
            [f"{AGE} until 2026-02-01: 60 days → 1 day", f"{AGE} from 2026-02-01: 60 days → 2 days"],
        ),
        (
            age(60),
            age(60, UNTIL) + age(61, FEBRUARY + "effective_until = 2026-03-01").split("\n", 2)[2]
            + age(60, "effective_from = 2026-03-01").split("\n", 2)[2],
            [f"{AGE} from 2026-02-01 until 2026-03-01: 60 days → 61 days"],
        ),
        (
            age(60),
            age(60, "stage = 'place'") + age(1, "stage = 'extraordinary'").split("\n", 2)[2],
            [f"{AGE} for open_case: removed, was 60 days", f"{AGE} for extraordinary: 60 days → 1 day"],
        ),
        (
            age(60, "stage = 'place'") + age(60, "stage = 'extraordinary'").split("\n", 2)[2],
            age(70, "stage = 'place'") + age(70, "stage = 'extraordinary'").split("\n", 2)[2],
            [f"{AGE} for place and extraordinary: 60 days → 70 days"],
        ),
        (age(60), age(60).replace("'c'", "'Board 12'"), ["citation of G41 by ours: c → Board 12"]),
        (
            "[gates.G41]\ncitation = 'c'\n",
            "[gates.G41]\ncitation = 'c'\nliftable = true\n",
            ["liftable G41 by ours: added, two people may lift it"],
        ),
        (LIFT, LIFT, []),
        (
            LIFT,
            LIFT.replace("90", "60"),
            ["overrides by ours: at most 90 days, 30 where none are named [Manual 3] → "
             "at most 60 days, 30 where none are named [Manual 3]"],
        ),
        ("", LIFT.replace("3'", "4'"), [
            "overrides by ours: added, at most 90 days, 30 where none are named [Manual 4]"
        ]),
        (code("BUNDLED"), code("REVIEW"), ["reason Z1: BUNDLED: x → REVIEW: x"]),
        (
            code("BUNDLED", "", "A1", "10", "B2", "AB", "9"),
            "",
            [f"reason {c}: removed, was BUNDLED: x" for c in ("9", "10", "A1", "AB", "B2")],
        ),
        (code("BUNDLED"), code("BUNDLED", FEBRUARY), ["reason Z1 until 2026-02-01: removed, was BUNDLED: x"]),
        (remark("NOTE"), remark("QMB"), ["remark Z1: NOTE: x → QMB: x"]),
        ("", "[facility.GEN]\n", ["facility GEN: added, nothing said"]),
        (
            "[facility.GEN]\nstate = 'NY'\nkind = 'hospital'\ntax_exempt = true\n",
            "[facility.GEN]\nstate = 'NJ'\ntax_exempt = false\n",
            ["facility GEN: NY, hospital, tax exempt → NJ, not tax exempt"],
        ),
        ("[[group]]\ncode = 'CO'\ntext = 'x'\n", "", ["group CO: removed, was x"]),
        (RULE, RULE, []),
        ("", RULE, [f"house rule H01: added, {SAYS} [ours; Manual 4]"]),
    ],
)  # fmt: skip
def test_each_change_of_a_pack_is_a_sentence(before: str, after: str, said: list[str]) -> None:
    assert changes(before, after) == said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("'hold'", "'block'"), SAYS.replace("hold for", "block for")),
        (("> 1", "> 2"), SAYS.replace("> 1", "> 2")),
        (("Seen first", "Seen"), SAYS.replace("Seen first", "Seen")),
        (("by a chief", "by two"), SAYS.replace("by a chief", "by two")),
        (("'hold'", "'hold'\nstage = ['extraordinary', 'place']"), SAYS.replace("open_case, ", "")),
        (("'hold'", "'hold'\nstage = 'open_case'"), SAYS.replace(", place, extraordinary", "")),
        (
            ("'hold'", "'hold'\nuntil_days = 9\nuntil_from = 'service_on'"),
            SAYS + " until 9 days after service_on",
        ),
        (
            ("'hold'", "'hold'\n" + FEBRUARY + "effective_until = 2026-03-01"),
            SAYS + ", from 2026-02-01, until 2026-03-01",
        ),
        (("'hold'", "'hold'\nlifted_by = 'a chief'"), SAYS + "; lifted by a chief"),
        (("'hold'", "'hold'\nliftable = true"), SAYS + "; two people may lift it"),
    ],
)
def test_whatever_changes_of_a_house_rule_is_shown(change: tuple[str, str], says: str) -> None:
    """The second person approves what is shown; nothing of a rule changes unseen."""
    (said,) = changes(RULE, RULE.replace(*change))
    assert said == f"house rule H01: {SAYS} [ours; Manual 4] → {says} [ours; Manual 4]"


def test_a_house_rule_that_another_pack_states_or_rests_on_another_page_is_shown() -> None:
    (cited,) = changes(RULE, RULE.replace("Manual 4", "Manual 5"))
    assert cited.endswith(f"→ {SAYS} [ours; Manual 5]")
    found = compare(policy_of(ours=HEAD + RULE, other=OTHER), policy_of(ours=HEAD, other=OTHER + RULE))
    assert [one.says[-len("[other; Manual 4]") :] for one in found] == ["[other; Manual 4]"]


def test_packs_that_come_go_and_change_are_named() -> None:
    before = policy_of(ours=HEAD, gone=OTHER + "shadow = true\nprecedence = 3\n")
    after = policy_of(
        ours=HEAD.replace("'1'", "'2'").replace('"1"', '"2"'),
        law="[policy]\nid = 'law'\nversion = '7'\n[scope]\nstate = ['NY', 'CT']\nfacility = ['gen']\n",
        all3="[policy]\nid = 'more'\nversion = '7'\n[scope]\n",
    )
    assert [one.says for one in compare(before, after)] == [
        "pack law: added, 7, scope facility gen; state ct, ny",
        "pack more: added, 7, scope everybody",
        "pack other: removed, was 1, precedence 3, shadow",
        "pack ours: 1 → 2",
    ]


def test_values_of_scoped_packs_are_shown_whether_or_not_they_bind() -> None:
    everybody = {"all2": OTHER + age(100)}
    before, after = HEAD + NY + age(60), HEAD + NY + age(70, FEBRUARY)
    found = compare(policy_of(ours=before, **everybody), policy_of(ours=after, **everybody))
    assert [(one.says, one.scope) for one in found] == [
        (f"{AGE} [ours] until 2026-02-01: removed, was 60 days", "ours"),
        (f"{AGE} [ours] from 2026-02-01: 60 days → 70 days", "ours"),
    ]
    one_stage = HEAD + NY + age(60, "stage = 'place'")
    gone = compare(policy_of(ours=one_stage), policy_of(ours=HEAD + NY + "[gates.G41]\ncitation = 'c'\n"))
    assert [one.says for one in gone] == [f"{AGE} for place [ours]: removed, was 60 days"]


def test_a_value_that_is_not_in_force_for_everybody_changes_nothing_for_them() -> None:
    over = {"all2": OTHER + "precedence = 5\n" + age(100)}
    assert compare(policy_of(ours=HEAD + age(60), **over), policy_of(ours=HEAD + age(70), **over)) == ()
    law = HEAD + "[scope]\n"
    both = compare(policy_of(ours=law + age(60), **over), policy_of(ours=law + age(170), **over))
    assert [(one.what, one.before, one.after, one.scope) for one in both] == [
        (AGE, "100 days", "170 days", None)
    ]


@pytest.mark.parametrize(
    ("stated", "unit", "said"),
    [
        (True, "flag", "yes"),
        (False, "flag", "no"),
        (123450, "USD", "1234.50 USD"),
        (5, "percent", "5 percent"),
        (0, "days", "0 days"),
        (1, "days", "1 day"),
        (2, "days", "2 days"),
        (1, "count", "1"),
        ("1 2", "text", "1 2"),
    ],
)
def test_a_value_is_said_with_its_unit(stated: object, unit: str, said: str) -> None:
    assert in_words(stated, unit) == said


# What has no effect, or is likely an oversight.


def warned(**packs: str) -> list[tuple[str, str, str]]:
    """What is said of these packs, but for the values that the pack of all gates leaves out."""
    found = looked_at(**packs).warned
    return [(w.code, w.where, w.reason) for w in found if w.code != "no-value" or "G41 min_days " in w.reason]


def test_a_value_is_missing_on_some_days() -> None:
    gone = "G41 min_days has no value for {}{}: the gate holds"
    assert warned(ours=HEAD + age(60)) == []
    for days, when in (
        ("effective_from = 2026-02-01", [" until 2026-02-01"]),
        ("effective_until = 2026-02-01", [" from 2026-02-01"]),
        (FEBRUARY + "effective_until = 2026-03-01", [" until 2026-02-01", " from 2026-03-01"]),
    ):
        told = [(w[0], w[2]) for w in warned(ours=HEAD + age(60, "stage = 'place'\n" + days))]
        assert [text for _, text in told if "place" in text] == [gone.format("place", w) for w in when]
        assert [text for _, text in told if "open_case" in text] == [gone.format("open_case", "")]
        assert {kind for kind, _ in told} == {"no-value"}
    between = age(60, UNTIL) + age(60, "effective_from = 2026-03-01").split("\n", 2)[2]
    assert [w[2] for w in warned(ours=HEAD + between)] == [
        gone.format(stage, " from 2026-02-01 until 2026-03-01") for stage in STAGES
    ]


def test_every_value_of_every_gate_is_looked_for() -> None:
    told = {w.reason for w in looked_at().warned}
    wanted = {
        f"{gate.id} {p.name} has no value for {stage}: the gate holds"
        for gate in REGISTRY
        for p in gate.parameters
        for stage in STAGES
    }
    assert told == wanted


def test_a_scoped_value_that_never_binds_is_told_with_its_line() -> None:
    everybody = {"all2": OTHER + age(100)}
    law = HEAD + NY
    placed = {"places": "[policy]\nid = 'p'\nversion = '1'\n[facility.GEN]\nstate = 'NY'\n"}
    for days, told in ((99, True), (100, False), (101, False)):
        found = warned(ours=law + age(days), **everybody, **placed)
        assert [(w[0], w[1]) for w in found] == ([("no-effect", "ours.toml:8")] if told else [])
        assert all(w[2].startswith("G41 min_days never has an effect here") for w in found)
    assert warned(ours=HEAD + "[scope]\n" + age(1), **everybody, **placed) == []
    (one,) = warned(
        ours=HEAD + age(1),
        over=OTHER + "precedence = 3\n" + age(2),
        a=law.replace("ours", "law") + age(1),
        **placed,
    )
    assert one[:2] == ("no-effect", "a.toml:8")


def test_a_scoped_value_that_binds_on_some_day_or_for_some_stage_is_not_told() -> None:
    placed = "[policy]\nid = 'p'\nversion = '1'\n[facility.GEN]\nstate = 'NY'\n"
    later = OTHER + age(100, FEBRUARY) + age(10, UNTIL).split("\n", 2)[2]
    assert warned(ours=HEAD + NY + age(50), all2=later, p=placed) == []
    only = warned(ours=HEAD + NY + age(50, FEBRUARY), all2=later, p=placed)
    assert [w[0] for w in only] == ["no-effect"]
    for high in STAGES:
        stages = [
            age(10 if stage == high else 100, f"stage = '{stage}'").split("\n", 2)[2] for stage in STAGES
        ]
        text = OTHER + "[gates.G41]\ncitation = 'c'\n" + "".join(stages)
        assert warned(ours=HEAD + NY + age(50), all2=text, p=placed) == []


def test_what_another_scoped_pack_states_is_not_what_is_in_force_for_everybody() -> None:
    """NY asks for 60 days, NJ for 70, everybody for 50: both have an effect, on their own accounts."""
    placed = "[policy]\nid = 'p'\nversion = '1'\n[facility.GEN]\nstate = 'NY'\n"
    nj = HEAD.replace("ours", "nj") + NY.replace("NY", "NJ") + age(70)
    assert warned(ours=HEAD + NY + age(60), nj=nj, all2=OTHER + age(50), p=placed) == []
    law = HEAD.replace("ours", "law") + "[scope]\n" + age(65)
    (one,) = warned(ours=HEAD + NY + age(60), nj=nj, law=law, all2=OTHER + age(50), p=placed)
    assert one[:2] == ("no-effect", "ours.toml:8")
    assert [w[0] for w in warned(ours=HEAD + NY + age(60), p=placed)] == ["no-value"] * len(STAGES)


def test_two_values_without_effect_are_told_by_their_lines() -> None:
    law = HEAD + NY + age(1, "stage = 'place'") + age(2, "stage = 'open_case'").split("\n", 2)[2]
    found = warned(ours=law, a=OTHER + age(100))
    assert [(w[0], w[1]) for w in found] == [
        ("no-effect", "ours.toml:8"),
        ("no-effect", "ours.toml:13"),
        ("no-facility-state", ""),
    ]


@pytest.mark.parametrize(
    ("scope", "facility", "told"),
    [
        ("state = ['NY']", "", True),
        ("state = ['NY']", "[facility.GEN]\nkind = 'hospital'\n", True),
        ("state = ['NY']", "[facility.GEN]\nstate = 'TX'\n", False),
        ("state = ['NY']", "[facility.GEN]\nkind = 'clinic'\n[facility.B]\nstate = 'TX'\n", False),
        ("facility = ['GEN']", "", False),
        ("", "", False),
    ],
)
def test_law_of_states_where_no_facility_is_said_to_stand_in_one(
    scope: str, facility: str, told: bool
) -> None:
    text = HEAD + "[scope]\n" + scope + "\n" + age(60)
    found = warned(ours=text, all2=OTHER + age(60) + facility)
    assert [w[0] for w in found] == (["no-facility-state"] if told else [])
    assert not told or "patient and guarantor live" in found[0][2]


def test_a_policy_is_the_same_as_itself() -> None:
    text = HEAD + age(60) + code("BUNDLED") + remark("NOTE") + RULE + LIFT + "[facility.GEN]\n"
    assert compare(policy_of(ours=text), policy_of(ours=text + "\n# a word\n")) == ()
