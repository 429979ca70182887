"""Of everything that packs say: what is in force for an account on a day, who set it, what it rests on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schemas.decisions import STAGES, Scalar
from schemas.facts import AccountRef, AccountRegistered, Address, Fact, Person
from service.core import Account, Policy, fold, parse_policy
from service.core.gates import REGISTRY, Parameter
from tests.spec.facts_made import POLICY, adult, charged, covered, fact, merged, policy_texts
from tests.spec.policies_made import CITED, HEAD, policy_of, refused, value

DAY = date(2026, 3, 1)


def scoped(keys: str, days: int, id: str = "law", version: str = "1") -> str:
    """A pack that asks an age of some accounts."""
    head = f"[policy]\nid = '{id}'\nversion = '{version}'\n[scope]\n{keys}\n"
    return head + value("G41", "min_days", days, "days")


def ages(policy: Policy, on: date = DAY) -> tuple[object, object, object]:
    return policy.of_gate(on, "G41").values["min_days"]


def living(state: str | None = "NY", **more: str) -> Fact:
    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state=state))
    return fact(AccountRegistered(patient=person, **more), -29)  # type: ignore[arg-type]


PLACES = "[facility.GEN]\nstate = 'NY'\nkind = 'hospital'\n[facility.Bare]\ntax_exempt = false\n"
TWO = {
    "a": scoped("facility = ['GEN']", 70, "a"),
    "b": scoped("state = ['NY']", 80, "b"),
    "c": scoped("state = ['NJ']\npayer_kind = ['medicaid']", 90, "c"),
    "d": scoped("facility_kind = ['hospital']\nstate = ['NJ', 'CT']", 100, "d"),
    "e": scoped("financial_class = ['SP']\npatient_class = ['I']", 60, "e"),
}


@pytest.mark.parametrize(
    ("words", "applied", "days"),
    [
        ({}, (), None),
        ({"facility": ["elsewhere"]}, (), None),
        ({"facility": ["gen"]}, ("a@1",), 70),
        ({"state": [" ny "]}, ("b@1",), 80),
        ({"facility": ["GEN"], "state": ["NY"]}, ("a@1", "b@1"), 80),
        ({"state": ["NJ"]}, (), None),
        ({"payer_kind": ["Medicaid"]}, (), None),
        ({"state": ["NJ"], "payer_kind": ["medicaid", "commercial"]}, ("c@1",), 90),
        ({"state": ["NJ"], "facility_kind": ["hospital"]}, ("d@1",), 100),
        ({"state": ["CT"], "facility_kind": ["clinic"]}, (), None),
        ({"state": ["NY"], "facility_kind": ["hospital"]}, ("b@1",), 80),
        ({"financial_class": ["SP"], "patient_class": ["O"]}, (), None),
        ({"financial_class": ["sp"], "patient_class": ["i"]}, ("e@1",), 60),
        (
            {
                "facility": ["GEN"],
                "state": ["NY", "NJ"],
                "payer_kind": ["medicaid"],
                "facility_kind": ["hospital"],
            },
            ("a@1", "b@1", "c@1", "d@1"),
            100,
        ),
    ],
)
def test_each_scoped_pack_concerns_those_whom_all_its_own_keys_name(
    words: dict[str, list[str]], applied: tuple[str, ...], days: int | None
) -> None:
    """Whatever stands beside it, and in which order."""
    policy = policy_of(**TWO).for_words(words)
    assert (policy.applied, ages(policy)) == (applied, (days, days, days))
    turned = {chr(ord("z") - n): text for n, text in enumerate(TWO.values())}
    assert sorted(policy_of(**turned).for_words(words).applied) == sorted(applied)


@pytest.mark.parametrize(
    ("facility", "applied"), [("gen", ("a@1", "b@1")), ("bare", ()), ("unheard", ()), ("GEN", ("a@1", "b@1"))]
)
def test_a_facility_brings_in_its_state_and_its_kind(facility: str, applied: tuple[str, ...]) -> None:
    policy = policy_of(places="[policy]\nid = 'p'\nversion = '1'\n" + PLACES, **TWO)
    assert policy.for_words({"facility": [facility]}).applied == applied
    with_state = policy.for_words({"facility": [facility], "state": ["CT"]}).applied
    assert ("d@1" in with_state) is (facility.lower() == "gen")
    account = fold([adult(), charged("1.00", account=AccountRef(facility, "A1"))], AccountRef(facility, "A1"))
    assert policy.for_account(account).applied == applied


def account_of(*facts: Fact) -> Account:
    return fold([charged("320.00"), *facts])


@pytest.mark.parametrize(
    ("facts", "applied"),
    [
        ([], ("a@1",)),
        ([living(None)], ("a@1",)),
        ([living("")], ("a@1",)),
        ([living("NY")], ("a@1", "b@1")),
        ([living("NJ"), covered("P1", kinds={"P1": "medicaid"})], ("a@1", "c@1")),
        ([living("NJ"), covered("P1", "P2", kinds={"P1": "commercial", "P2": "Medicaid"})], ("a@1", "c@1")),
        ([living("NJ"), covered("P1", kinds={"P1": ""})], ("a@1",)),
        ([living("CT", facility_kind=" Hospital")], ("a@1", "d@1")),
        ([living("TX", financial_class="sp")], ("a@1",)),
        ([living("TX", financial_class="sp", patient_class="I")], ("a@1", "e@1")),
    ],
)
def test_what_is_not_known_of_an_account_brings_no_pack_in(
    facts: list[Fact], applied: tuple[str, ...]
) -> None:
    assert policy_of(**TWO).for_account(account_of(*facts)).applied == applied


def test_of_merged_accounts_both_facilities_count_and_what_policy_knows_of_them() -> None:
    other = AccountRef("UPSTATE", "B7")
    account = fold(
        [charged("320.00"), charged("1.00", account=other), merged(other, AccountRef("GEN", "A1"))],
        AccountRef("GEN", "A1"),
    )
    places = HEAD + "[facility.upstate]\nstate = 'NY'\n[facility.GEN]\nkind = 'clinic'\n[facility.Other]\n"
    policy = policy_of(places=places, **TWO)
    assert policy.for_account(account).applied == ("a@1", "b@1")
    assert [f.name for f in policy.facilities_of(account)] == ["GEN", "upstate"]
    assert policy_of().facilities_of(account) == ()


def test_a_stored_decision_names_the_scoped_packs_it_was_made_under() -> None:
    policy = policy_of(everybody=scoped("", 50, "z"), **TWO)
    assert policy.version == "all@1+z@1"
    both = policy.with_packs(["b@1", "a@1"])
    assert both.applied == ("a@1", "b@1") and both is policy.with_packs(["a@1", "b@1", "a@1"])
    assert policy.with_packs([]).applied == () and ages(policy.with_packs([])) == (50, 50, 50)
    for unknown in ("a@2", "all@1", "z@1"):
        with pytest.raises(ValueError, match="no such scoped pack"):
            policy.with_packs([unknown])


def test_the_same_packs_read_twice_are_one_policy() -> None:
    assert policy_of(**TWO) == policy_of(**TWO)
    assert policy_of(**TWO) != policy_of(**(TWO | {"a": scoped("facility = ['GEN']", 71, "a")}))


def test_what_a_pack_is_called_and_whether_it_only_watches() -> None:
    policy = policy_of(a=HEAD + "shadow = true\nprecedence = 7\n", b=scoped("state = ['ny ', 'NJ']", 5))
    ours = {pack.id: pack for pack in policy.packs}
    assert [pack.file for pack in policy.packs] == ["a.toml", "all.toml", "b.toml"]
    assert (ours["ours"].name, ours["ours"].precedence, ours["ours"].shadow, ours["ours"].scope) == (
        "ours@1", 7, True, None,
    )  # fmt: skip
    assert (ours["all"].precedence, ours["all"].shadow) == (0, False)
    assert ours["law"].scope == {"state": {"ny", "nj"}}


DATED = "effective_from = 2026-02-01\neffective_until = 2026-04-01\n"


@pytest.mark.parametrize("when", ["", DATED])
@pytest.mark.parametrize(("stage", "place"), [(None, None), *((stage, n) for n, stage in enumerate(STAGES))])
def test_a_value_is_in_force_for_its_stage_on_its_days(
    when: str, stage: str | None, place: int | None
) -> None:
    text = HEAD + value("G41", "min_days", 75, "days", when + (f"stage = '{stage}'\n" if stage else ""))
    policy = policy_of(ours=text)
    stated = tuple(75 if place in (None, n) else None for n in range(len(STAGES)))
    assert ages(policy) == stated
    for on, here in ((date(2026, 1, 31), not when), (date(2026, 2, 1), True), (date(2026, 3, 31), True)):
        assert ages(policy, on) == (stated if here else (None, None, None))
    assert ages(policy, date(2026, 4, 1)) == ((None, None, None) if when else stated)
    assert policy.next_change(date(2026, 1, 31)) == (date(2026, 2, 1) if when else None)
    assert policy.next_change(date(2026, 2, 1)) == (date(2026, 4, 1) if when else None)
    assert policy.next_change(date(2026, 4, 1)) is None


def test_a_gate_without_one_of_its_values_says_which_and_holds() -> None:
    policy = policy_of(
        ours=HEAD + value("G40", "days_apart", 25, "days") + value("G21", "attempts", 3, "count")
    )
    assert policy.of_gate(DAY, "G40").missing in ("assistance_notice", "statements")
    assert policy.of_gate(DAY, "G21").missing == "within_days"
    assert policy.of_gate(DAY, "G50").missing is None
    one = policy_of(ours=HEAD + value("G02", "tolerance", "'1.00'", "USD"))
    assert one.of_gate(DAY, "G02").missing is None


def test_values_are_read_in_their_units() -> None:
    text = value("G02", "tolerance", "'12.34'", "USD") + value("G13", "billable_reasons", "'3 1 2'", "text")
    text += "[[gates.G13.value]]\nname = 'allow_case'\nvalue = true\nunit = 'flag'\n"
    policy = policy_of(ours=HEAD + text)
    assert policy.of_gate(DAY, "G02").values == {"tolerance": (1234, 1234, 1234)}
    assert policy.of_gate(DAY, "G13").values == {
        "allow_case": (True, True, True),
        "billable_reasons": ("3 1 2", "3 1 2", "3 1 2"),
    }
    shown = policy.of_gate(DAY, "G13").shown
    assert shown == ((("allow_case", True), ("billable_reasons", "3 1 2")),) * 3


OVER = "[policy]\nid = 'over'\nversion = '2'\nprecedence = 5\n"


def test_precedence_decides_whatever_the_order_of_the_files() -> None:
    over, under = OVER + value("G41", "min_days", 45, "days"), HEAD + value("G41", "min_days", 75, "days")
    for names in (("a", "b"), ("b", "a")):
        policy = policy_of(**dict(zip(names, (over, under), strict=True)))
        found = policy.of_gate(DAY, "G41")
        assert found.values["min_days"] == (45, 45, 45)
        assert dict(found.standing[0].set_by) == {"min_days": "over@2"}
    dated = over + DATED
    assert ages(policy_of(a=dated, b=under), date(2026, 1, 31)) == (75, 75, 75)
    assert ages(policy_of(a=dated, b=under)) == (45, 45, 45)


def test_a_finding_cites_who_set_a_value_and_who_states_none_of_any() -> None:
    """A pack whose value is not in force is not cited, unless it sets no value of the gate at all."""
    over = OVER + value("G41", "min_days", 45, "days").replace("'c'", "'Board 12 '")
    under = HEAD + value("G41", "min_days", 75, "days").replace("'c'", "'Manual 3'")
    found = policy_of(a=over, b=under).of_gate(DAY, "G41")
    assert found.standing[0].citation == "Board 12; what G41 rests on"
    assert found.citation == "Board 12; what G41 rests on; Manual 3"
    law = scoped("state = ['NY']", 45).replace("'c'", "'Law 7'")
    policy = policy_of(a=over, b=under, law=law)
    alike = policy.for_words({"state": ["NY"]}).of_gate(DAY, "G41").standing[0]
    assert dict(alike.set_by) == {"min_days": "over@2, law@1"}
    assert alike.citation == "Board 12; what G41 rests on; Law 7"
    assert "Law 7" not in policy.of_gate(DAY, "G41").citation
    milder = policy_of(a=over, law=law.replace("45", "44")).for_words({"state": ["NY"]}).of_gate(DAY, "G41")
    assert "Law 7" not in milder.standing[0].citation and "Law 7" in milder.citation


def test_where_nobody_sets_a_value_all_are_cited() -> None:
    late = "[[gates.G02.value]]\nname = 'tolerance'\nvalue = '1.00'\nunit = 'USD'\n"
    late += "effective_from = 2027-01-01\n"
    found = parse_policy({"all.toml": CITED + late}).of_gate(DAY, "G02").standing
    assert {f.citation for f in found} == {"what G02 rests on"}
    assert [(f.gate, f.stage, f.verdict.word, f.set_by) for f in found] == [
        ("G02", stage, "allow", ()) for stage in STAGES
    ]


WORDS = "[gates.G13]\ncitation = 'c'\n[[gates.G13.value]]\nname = 'billable_reasons'\nunit = 'text'\n"


def test_a_list_that_nobody_states_as_it_is_in_force_was_set_by_all() -> None:
    """Of the codes 1 2 and 2 3 the one in both may be billed; neither pack says just that."""
    law = "[policy]\nid = 'law'\nversion = '1'\n[scope]\nstate = ['NY']\n" + WORDS + "value = '2 3'\n"
    policy = policy_of(ours=HEAD + WORDS + "value = '1 2'\n", law=law).for_words({"state": ["NY"]})
    found = policy.of_gate(DAY, "G13")
    assert found.values["billable_reasons"] == ("2", "2", "2")
    assert dict(found.standing[1].set_by)["billable_reasons"] == "ours@1, law@1"


LIFTS = "[overrides]\ncitation = '{}'\nmax_days = {}\ndefault_days = {}\n"
LETS = "[gates.{}]\ncitation = 'c'\nliftable = {}\n"


@pytest.mark.parametrize(
    ("packs", "most", "usual", "citation"),
    [
        ({}, 0, 0, "no pack says that anything may be lifted"),
        ({"a": HEAD + LIFTS.format(" Manual 3 ", 90, 30)}, 90, 30, "Manual 3"),
        ({"a": HEAD + LIFTS.format("Manual 3", 20, 30)}, 20, 20, "Manual 3"),
        ({"a": HEAD + LIFTS.format("M", 90, 30), "b": OVER + LIFTS.format("B", 60, 40)}, 60, 30, "M; B"),
        ({"a": HEAD + LIFTS.format("M", 90, 40), "b": OVER + LIFTS.format("B", 30, 20)}, 30, 20, "M; B"),
        ({"a": HEAD + LIFTS.format("M", 90, 30), "b": OVER + LIFTS.format("M", 36500, 0)}, 90, 0, "M"),
        ({"a": HEAD + "[scope]\nstate = ['NY']\n" + LIFTS.format("M", 0, 0)}, 0, 0, "no pack says"),
    ],
)
def test_the_fewest_days_of_all_packs_are_those_for_which_people_may_lift(
    packs: dict[str, str], most: int, usual: int, citation: str
) -> None:
    found = policy_of(**packs).on(DAY).allowance
    assert (found.max_days, found.default_days) == (most, usual)
    assert found.citation.startswith(citation)


def test_every_pack_in_force_that_speaks_of_a_gate_has_to_let_people_lift_it() -> None:
    """The pack that only cites does not; a scoped one counts where it concerns the account."""
    bare = {"all.toml": "[policy]\nid = 'all'\nversion = '1'\n" + "".join(
        LETS.format(gate.id, str(gate.lift != "never").lower()) for gate in REGISTRY
    )}  # fmt: skip

    def lets(gate: str, state: str = "TX", **packs: str) -> bool:
        texts = bare | {f"{name}.toml": text for name, text in packs.items()}
        return parse_policy(texts).for_words({"state": [state]}).of_gate(DAY, gate).liftable

    assert [lets(gate) for gate in ("G06", "G40", "G41", "G42", "G50")] == [True] * 4 + [False]
    assert policy_of().of_gate(DAY, "G41").liftable is False
    law = "[policy]\nid = 'law'\nversion = '1'\n[scope]\nstate = ['NY']\n" + LETS
    assert lets("G41", "NY", a=law.format("G41", "false")) is False
    assert lets("G41", "TX", a=law.format("G41", "false")) is True
    assert lets("G41", "NY", a=law.format("G41", "true")) is True
    assert lets("G42", "NY", a=law.format("G41", "false")) is True


def test_codes_are_in_force_on_their_days_by_precedence() -> None:
    """A code of a higher pack stands for its days; what the lower one says stands on all others."""
    code = "[[{}]]\ncodes = ['Z1', 'Z2']\n{} = '{}'\ntext = '{}'\n"
    under = (
        HEAD
        + code.format("reason", "class", "DUPLICATE", "ours")
        + code.format("remark", "effect", "NOTE", "r")
    )
    over = OVER + code.format("reason", "class", "REVIEW", "theirs") + DATED
    policy = policy_of(a=over, b=under)
    for on, kind, text in (
        (date(2026, 1, 31), "DUPLICATE", "ours"),
        (date(2026, 2, 1), "REVIEW", "theirs"),
        (date(2026, 4, 1), "DUPLICATE", "ours"),
    ):
        period = policy.on(on)
        assert {c: (r.kind, r.text) for c, r in period.reasons.items()} == {
            "Z1": (kind, text),
            "Z2": (kind, text),
        }
        assert {c: (r.kind, r.text) for c, r in period.remarks.items()} == {
            "Z1": ("NOTE", "r"),
            "Z2": ("NOTE", "r"),
        }
        assert period.duplicate_codes == (frozenset({"Z1", "Z2"}) if kind == "DUPLICATE" else frozenset())


def test_facilities_and_groups_of_the_higher_precedence_stand() -> None:
    places = "[facility.GEN]\nstate = '{}'\ntax_exempt = {}\n[[group]]\ncode = 'CO'\ntext = '{}'\n"
    under, over = HEAD + places.format("NJ", "false", "ours"), OVER + places.format("NY", "true", "theirs")
    for packs in ({"a": under, "b": over}, {"a": over, "b": under}):
        policy = policy_of(**packs)
        assert policy.groups == {"CO": "theirs"}
        (known,) = policy.facilities_of(account_of())
        assert (known.name, known.state, known.kind, known.tax_exempt) == ("GEN", "NY", None, True)


def test_values_that_may_stand_beside_each_other_do() -> None:
    """One day after the other, of different precedence, and of packs with a scope of their own."""
    plain = value("G41", "min_days", 75, "days")
    entry = plain.split("\n", 2)[2]
    follows = plain + "effective_until = 2026-04-01\n" + entry + "effective_from = 2026-04-01\n"
    turned = plain + "effective_from = 2026-04-01\n" + entry + "effective_until = 2026-04-01\n"
    for text in (follows, turned):
        policy = policy_of(a=HEAD + text)
        assert {ages(policy, date(2026, 4, 1) + timedelta(days=n)) for n in (-1, 0)} == {(75, 75, 75)}
    for law in (scoped("state = ['NY']", 90), scoped("", 90)):
        for names in (("a", "b"), ("b", "a")):
            policy = policy_of(**dict(zip(names, (HEAD + plain, law), strict=True)))
            assert ages(policy.for_words({"state": ["NY"]})) == (90, 90, 90)


@pytest.mark.parametrize("head", [HEAD, HEAD + "[scope]\n", HEAD + "[scope]\nstate = ['NY']\n"])
def test_one_pack_says_one_thing_for_one_day(head: str) -> None:
    plain = value("G41", "min_days", 75, "days", "effective_from = 2026-03-01\neffective_until = 2026-04-01")
    for days in ("effective_until = 2026-03-02", "effective_from = 2026-03-31", "stage = 'place'", ""):
        entry = plain.split("\n", 2)[2].replace(
            "effective_from = 2026-03-01\neffective_until = 2026-04-01", days
        )
        errors = refused(ours=head + plain + entry)
        assert [e.code for e in errors] == ["overlapping-dates"]
        line = head.count("\n") + 3
        assert f"the other stands at ours.toml:{line}" in errors[0].reason
        assert errors[0].where == f"ours.toml:{line + 6}" and "G41 min_days for " in errors[0].reason


def moved(parameter: Parameter, stated: Scalar, milder: bool) -> Scalar:
    """A value that protects the patient less, or more, than this one."""
    if parameter.stricter in ("true", "false"):
        return (parameter.stricter == "true") is not milder
    if parameter.stricter in ("union", "intersection"):
        longer = (parameter.stricter == "union") is not milder
        return f"{stated} Z9".strip() if longer else " ".join(str(stated).split()[1:])
    assert isinstance(stated, int)
    return stated + 1 if (parameter.stricter == "higher") is not milder else max(0, stated - 1)


@pytest.mark.parametrize("milder", [True, False])
def test_of_every_value_of_every_gate_a_scoped_pack_tightens_and_never_relaxes(milder: bool) -> None:
    text = HEAD + "[scope]\nstate = ['ZZ']\n"
    wanted = {}
    for gate in REGISTRY:
        text += f"[gates.{gate.id}]\ncitation = 'c'\n"
        for parameter in gate.parameters:
            before = POLICY.of_gate(DAY, gate.id).values[parameter.name]
            at = {"place": 1, "extraordinary": 2}.get(parameter.stated, 0)
            said = moved(parameter, before[at], milder)
            wanted[gate.id, parameter.name, at] = before[at] if milder else said
            shown = f"'{said // 100}.{said % 100:02d}'" if parameter.unit == "USD" else repr(said)
            text += f"[[gates.{gate.id}.value]]\nname = '{parameter.name}'\nunit = '{parameter.unit}'\n"
            text += f"value = {shown.lower() if parameter.unit == 'flag' else shown}\n"
            text += f"stage = '{STAGES[at]}'\n" if parameter.stated == "each" else ""
    policy = parse_policy(policy_texts() | {"zz.toml": text}).for_words({"state": ["ZZ"]})
    found = {key: policy.of_gate(DAY, key[0]).values[key[1]][key[2]] for key in wanted}
    assert {k: v for k, v in found.items() if v != wanted[k]} == {}
