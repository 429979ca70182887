"""What a person may get wrong in a policy pack: each mistake is told once, with its line and a way out."""

from __future__ import annotations

import pytest

from service.core.policy import examine
from tests.spec.policies_made import CITED, HEAD, looked_at, refused, value

HERE = "# here"
"""Ends the line that a refusal must name."""

G41 = "[gates.G41]\ncitation = 'c'\n"
DAYS = G41 + "[[gates.G41.value]]\nname = 'min_days'\nunit = 'days'\n"
CODE = "[[reason]]\ncodes = ['Z1']\nclass = 'REVIEW'\ntext = 'x'\n"
REMARK = "[[remark]]\ncodes = ['Z1']\neffect = 'NOTE'\ntext = 'x'\n"
RULE = "[[rule]]\nid = 'H01'\nname = 'n'\nwhen = 'w'\nbecause = 'b'\ncitation = 'c'\nverdict = 'hold'\n"
LIFT = "[overrides]\ncitation = 'c'\nmax_days = 90\ndefault_days = 30\n"


def told(text: str) -> list[tuple[str, str]]:
    """What is wrong with a pack, beside one that is right."""
    return [(e.code, e.where) for e in refused(ours=text)]


def place(text: str) -> str:
    """The place of the mistake: the file, and the line where one is marked."""
    marked = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith(HERE)]
    return f"ours.toml:{marked[0]}" if marked else "ours.toml"


def without(text: str, key: str) -> str:
    """An entry that lacks one of its keys; the entry itself is then the place to look at."""
    head, *lines = text.splitlines()
    return "\n".join([f"{head} {HERE}", *(line for line in lines if not line.startswith(f"{key} "))]) + "\n"


def instead(text: str, key: str, stated: str) -> str:
    """An entry with something else for one of its keys, which is the place to look at."""
    return "\n".join(
        f"{key} = {stated} {HERE}" if line.startswith(f"{key} ") else line for line in text.splitlines()
    )


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("[policy] # here\nversion = '1'", "policy-without-version", "needs id and version"),
        ("[policy] # here\nid = 'x'", "policy-without-version", "needs id and version"),
        ("[policy] # here\nid = 3\nversion = '1'", "policy-without-version", "one word"),
        ("[policy] # here\nid = 'x'\nversion = 1", "policy-without-version", "one word"),
        ("[policy] # here\nid = 'x y'\nversion = '1'", "policy-without-version", "one word"),
        ("[policy] # here\nid = 'x'\nversion = '1 2'", "policy-without-version", "one word"),
        ("", "policy-without-version", "needs id and version"),
        ("[policy]\nid = 'all' # here\nversion = '1'", "pack-twice", "all already"),
        (HEAD + "precedence = -1 # here", "wrong-type", "0 to 1000"),
        (HEAD + "precedence = 1001 # here", "wrong-type", "0 to 1000"),
        (HEAD + "precedence = true # here", "wrong-type", "0 to 1000"),
        (HEAD + "precedence = '5' # here", "wrong-type", "0 to 1000"),
        (HEAD + "precedense = 5 # here", "unknown-key", "[policy]: precedense is not known; known are id"),
        (HEAD + "shadow = 'yes' # here", "wrong-type", "true or false"),
        (HEAD + "note = 1.5 # here", "wrong-type", "note is a text"),
        (HEAD + "note = 99999999999999999999999 # here", "wrong-type", "note is a text"),
        (HEAD + "[policies] # here\na = 1", "unknown-section", "policies is not known; known are facility"),
        ("note = 1 # here\n" + HEAD, "unknown-section", "section note is not known"),
        (HEAD + "precedence = 2 # here\n[scope]\nstate = ['NY']", "precedence-in-scoped-pack", "strictest"),
        (HEAD + "precedence = 2 # here\n[scope]", "precedence-in-scoped-pack", "strictest"),
        (HEAD + "[scope]\nstate = 'NY' # here", "wrong-type", "list of texts"),
        (HEAD + "[scope]\nstate = [] # here", "wrong-type", "at least one"),
        (HEAD + "[scope]\nstate = ['NY', 3] # here", "wrong-type", "list of texts"),
        (HEAD + "[scope]\nstate = ['NY', ''] # here", "wrong-type", "list of texts"),
        (HEAD + "[scope]\nstate = ['NY', ' '] # here", "wrong-type", "list of texts"),
        (
            HEAD + "[scope]\nstates = ['NY'] # here",
            "unknown-scope-key",
            "[scope]: states is not known; known",
        ),
    ],
)
def test_the_head_and_the_scope(text: str, code: str, word: str) -> None:
    assert told(text) == [(code, place(text))]
    assert word in refused(ours=text)[0].reason


@pytest.mark.parametrize("key", ["policy", "scope", "facility", "gates", "overrides"])
def test_a_section_that_is_no_table(key: str) -> None:
    text = f"{key} = 3 {HERE}\n" + ("" if key == "policy" else HEAD)
    assert ("wrong-type", "ours.toml:1") in told(text)
    assert f"[{key}] must be a table" in refused(ours=text)[0].reason


@pytest.mark.parametrize("key", ["reason", "remark", "group", "rule"])
@pytest.mark.parametrize("stated", ["3", "[1]", "{a = 1}"])
def test_a_section_that_is_no_list_of_entries(key: str, stated: str) -> None:
    text = f"{key} = {stated}\n{HEAD}"
    assert told(text) == [("wrong-type", "ours.toml:1")]
    assert f"write each entry as [[{key}]]" in refused(ours=text)[0].reason


@pytest.mark.parametrize(
    "section", ["[facility.GEN]\nstate = 'NY'", CODE, REMARK, "[[group]]\ncode = 'CO'\ntext = 'x'"]
)
def test_what_is_the_same_for_every_account_stands_in_no_scoped_pack(section: str) -> None:
    assert told(HEAD + section) == []
    for scope in ("[scope]\nstate = ['NY']\n", "[scope]\n"):
        (error,) = refused(ours=HEAD + scope + section)
        line = (HEAD + scope).count("\n") + 1
        assert (error.code, error.where) == ("not-in-scoped-pack", f"ours.toml:{line}")
        assert "the same for every account" in error.reason


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("[facility]\nGEN = 1 # here", "wrong-type", "as [facility.GEN]"),
        ("[facility.GEN]\nstat = 'NY' # here", "unknown-key", "stat is not known; known are kind, note, sta"),
        ("[facility.GEN]\nstate = 3 # here", "wrong-type", "[facility.GEN] state is a text"),
        ("[facility.GEN]\nstate = '' # here", "wrong-type", "state is a text"),
        ("[facility.GEN]\nstate = ' ' # here", "wrong-type", "state is a text"),
        ("[facility.GEN]\nkind = ['hospital'] # here", "wrong-type", "kind is a text"),
        ("[facility.GEN]\ntax_exempt = 'yes' # here", "wrong-type", "tax_exempt is true or false"),
        ("[facility.GEN]\ntax_exempt = 1 # here", "wrong-type", "tax_exempt is true or false"),
        ("[facility.GEN]\nnote = 1 # here", "wrong-type", "note is a text"),
        ("[facility.GEN]\n[facility.gen] # here", "stated-twice", "facility gen"),
        (
            "[[group]]\ncode = 'CO'\ntext = 'x'\n[[group]] # here\ncode = 'CO'\ntext = 'y'",
            "stated-twice",
            "CO",
        ),
        ("[[group]] # here\ncode = 'CO'", "wrong-type", "code and text"),
        ("[[group]] # here\ncode = 'CO'\ntext = 'x'\nnote = 'y'", "wrong-type", "code and text"),
        ("[[group]] # here\ncode = 1\ntext = 'x'", "wrong-type", "code and text"),
        ("[[group]] # here\ncode = 'CO'\ntext = 1", "wrong-type", "code and text"),
        ("[gates]\nG41 = 60 # here", "wrong-type", "as [gates.G41]"),
        ("[gates.G99] # here\ncitation = 'c'", "unknown-gate", "no gate G99; `baton policy show` lists them"),
        ("[gates.G41] # here\nnote = 'c'", "gate-without-citation", "G41 has no citation"),
        ("[gates.G41] # here\ncitation = ' '", "gate-without-citation", "G41 has no citation"),
        ("[gates.G41] # here\ncitation = 41", "gate-without-citation", "G41 has no citation"),
        (G41 + "note = 1 # here", "wrong-type", "note is a text"),
        (G41 + "values = [] # here", "unknown-key", "values is not known; known are citation, liftable"),
        (G41 + "value = 60 # here", "wrong-type", "as [[gates.G41.value]]"),
        (G41 + "value = [60] # here", "wrong-type", "as [[gates.G41.value]]"),
        (G41 + "liftable = 'yes' # here", "wrong-type", "G41: liftable is true or false"),
        ("[gates.G50]\ncitation = 'c'\nliftable = true # here", "never-liftable", "lift gate G50"),
        (LIFT + "min_days = 1 # here", "unknown-key", "[overrides]: min_days is not known; known are ci"),
        (LIFT + "note = 1 # here", "wrong-type", "note is a text"),
        ("[overrides] # here\nmax_days = 9\ndefault_days = 3", "gate-without-citation", "no citation"),
        (instead(LIFT, "max_days", "-1"), "wrong-type", "max_days is a whole number of days from 0 to 36500"),
        (instead(LIFT, "max_days", "36501"), "wrong-type", "max_days is a whole number of days"),
        (instead(LIFT, "max_days", "true"), "wrong-type", "max_days is a whole number of days"),
        (instead(LIFT, "default_days", "'30'"), "wrong-type", "default_days is a whole number of days"),
        (without(LIFT, "max_days"), "wrong-type", "max_days is a whole number of days"),
        (without(LIFT, "default_days"), "wrong-type", "default_days is a whole number of days"),
        (
            without(LIFT, "citation") + "citation = ' '",
            "gate-without-citation",
            "[overrides] has no citation",
        ),
        (without(LIFT, "citation") + "citation = 1", "gate-without-citation", "[overrides] has no citation"),
    ],
)
def test_facilities_groups_gates_and_how_long_people_may_lift(text: str, code: str, word: str) -> None:
    assert told(HEAD + text) == [(code, place(HEAD + text))]
    assert word in refused(ours=HEAD + text)[0].reason


NO_NAME = "[[gates.G41.value]] # here\nvalue = 1\nunit = 'days'"
NO_UNIT = G41 + "[[gates.G41.value]] # here\nname = 'min_days'\nvalue = 1"
APART = value("G40", "days_apart", 1, "days", "stage = 'place' # here")
NOTICE = value("G49", "days", 1, "days", "stage = 'open_case' # here")
CENTS = value("G42", "min_balance", "'1.00'", "days # here").replace("days # here'", "days' # here")
ONE = DAYS + "value = 1\n"
FROM = "effective_from = 2026-01-02\n"


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (instead(ONE, "name", "'days'"), "unknown-parameter", "no parameter days; it has min_days, min_"),
        (G41 + NO_NAME, "unknown-parameter", "a value needs a name: one of min_days, min_days_from_d"),
        ("[gates.G50]\ncitation = 'c'\n[[gates.G50.value]]\nname = 'd' # here", "unknown-parameter", "none"),
        (ONE + "form = 2026-01-01 # here", "unknown-key", "G41 min_days: form is not known; known are effec"),
        (ONE + "note = 1 # here", "wrong-type", "G41 min_days: note is a text"),
        (ONE + "stage = 'suit' # here", "unknown-stage", "no stage suit; there are open_case, place"),
        (ONE + "stage = ['place'] # here", "unknown-stage", "there are open_case, place, extraordinary"),
        (APART, "stage-without-effect", "one value for all stages: for place alone nothing would look at it"),
        (NOTICE, "stage-without-effect", "for all stages or for place: for open_case alone nothing"),
        (instead(ONE, "unit", "'day'"), "wrong-unit", 'min_days is stated with unit = "days"'),
        (NO_UNIT, "wrong-unit", 'G41 min_days is stated with unit = "days"'),
        (CENTS, "wrong-unit", 'min_balance is stated with unit = "USD"'),
        (ONE + "effective_from = '2026-01-01' # here", "wrong-type", "effective_from is a date such as 2026"),
        (
            ONE + "effective_until = 2026-01-01T00:00:00 # here",
            "wrong-type",
            "effective_until is a date such",
        ),
        (
            ONE + FROM + "effective_until = 2026-01-02 # here",
            "empty-period",
            "G41 min_days: effective_until is",
        ),
        (ONE + FROM + "effective_until = 2026-01-01 # here", "empty-period", "the first day on which it no"),
    ],
)
def test_values(text: str, code: str, word: str) -> None:
    assert told(HEAD + text) == [(code, place(HEAD + text))]
    assert word in refused(ours=HEAD + text)[0].reason


OF_UNIT = {
    "days": (
        "G41",
        "min_days",
        ["0", "36500"],
        ["-1", "36501", "1.5", "'1'", "true"],
        "days from 0 to 36500",
    ),
    "count": ("G21", "attempts", ["0", "1000"], ["-1", "1001", "true"], "a whole number from 0 to 1000"),
    "percent": ("G45", "percent", ["0", "100000"], ["-1", "100001", "'5'"], "of percent from 0 to 100000"),
    "flag": ("G08", "offset_first", ["true", "false"], ["1", "'yes'"], "true or false"),
    "text": ("G13", "billable_reasons", ["'1 2'", "''"], ["1", "['1']"], "a text"),
    "USD": (
        "G42",
        "min_balance",
        ["'0.00'", "'25.00'", "'99999999.99'"],
        ["25", "25.5", "'-0.01'", "'1,000.00'", "'100000000.00'"],
        'an amount such as "25.00", in quotes, not negative',
    ),
}


@pytest.mark.parametrize("unit", OF_UNIT)
def test_each_unit_has_its_own_way_to_be_written_and_its_limits(unit: str) -> None:
    gate, name, right, wrong, word = OF_UNIT[unit]
    for stated in right:
        assert told(HEAD + value(gate, name, stated, unit)) == []
    for stated in wrong:
        text = HEAD + value(gate, name, f"{stated} {HERE}", unit)
        assert told(text) == [("wrong-type", place(text))]
        assert f"{gate} {name} is " in refused(ours=text)[0].reason and word in refused(ours=text)[0].reason


def test_a_value_with_two_mistakes_is_told_both_and_is_in_force_for_no_stage() -> None:
    text = ONE.replace("value = 1", "value = 1.5") + "effective_from = 2026\n"
    assert [code for code, _ in told(HEAD + text)] == ["wrong-type", "wrong-type"]


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (without(CODE, "codes"), "wrong-type", "a reason entry needs a list of codes"),
        (instead(CODE, "codes", "'Z1'"), "wrong-type", "a reason entry needs a list of codes"),
        (instead(CODE, "codes", "[]"), "wrong-type", "a reason entry needs a list of codes"),
        (instead(CODE, "codes", "['Z1', 2]"), "wrong-type", "a reason entry needs a list of codes"),
        (instead(CODE, "codes", "['Z1', '']"), "wrong-type", "a reason entry needs a list of codes"),
        (instead(REMARK, "codes", "[2]"), "wrong-type", "a remark entry needs a list of codes"),
        (CODE + "effect = 'NOTE' # here", "unknown-key", "reason Z1: effect is not known; known are class"),
        (REMARK + "class = 'REVIEW' # here", "unknown-key", "remark Z1: class is not known"),
        (CODE + "note = 1 # here", "wrong-type", "reason Z1: note is a text"),
        (
            instead(CODE, "class", "'NOTE'"),
            "unknown-class",
            "unknown class; known are AUTHORIZATION, BUNDLED",
        ),
        (instead(CODE, "class", "['REVIEW']"), "unknown-class", "reason Z1: unknown class"),
        (
            instead(REMARK, "effect", "'REVIEW'"),
            "unknown-class",
            "remark Z1: unknown effect; known are APPEAL",
        ),
        (instead(CODE, "text", "' '"), "code-without-text", "reason Z1 has no sentence"),
        (instead(CODE, "text", "1"), "code-without-text", "reason Z1 has no sentence"),
        (without(CODE, "text"), "code-without-text", "reason Z1 has no sentence"),
        (CODE + "effective_from = 2026 # here", "wrong-type", "reason Z1: effective_from is a date"),
        (CODE + CODE.replace("['Z1']", "['Z2', 'Z1'] # here"), "overlapping-dates", "reason Z1; the other"),
        (CODE + FROM + CODE.replace("['Z1']", "['Z1'] # here"), "overlapping-dates", "stands at ours.toml:4"),
    ],
)
def test_codes(text: str, code: str, word: str) -> None:
    assert told(HEAD + text) == [(code, place(HEAD + text))]
    assert word in refused(ours=HEAD + text)[0].reason


ENDS = "until_days = 9\nuntil_from = 'last_payment_on'\n"
OWN_ID = "an id of its own: H and two to four digits"
STAGES_ARE = "stages are open_case, place, extraordinary"
A_DAY = "until_days is a number of days"
SAID = ("name", "when", "because", "citation")
WRONG_IDS = ("1", "'H1'", "'H12345'", "'G41'", "'h01'")
WRONG_STAGES = ("'suit'", "3", "[]", "['place', 'suit']", "[3]")
WRONG_DAYS = ("0", "36501", "true", "'9'")


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (without(RULE, "id"), "bad-rule-id", OWN_ID),
        *((instead(RULE, "id", id), "bad-rule-id", OWN_ID) for id in WRONG_IDS),
        (RULE + RULE.replace("'H01'", "'H01' # here"), "bad-rule-id", OWN_ID),
        (RULE + "lifted_buy = 'x' # here", "unknown-key", "rule H01: lifted_buy is not known; known are bec"),
        (RULE + "note = 1 # here", "wrong-type", "rule H01: note is a text"),
        *((without(RULE, key), "incomplete-rule", f"H01 needs {key}") for key in SAID),
        *((instead(RULE, key, "' '"), "incomplete-rule", f"H01 needs {key}") for key in SAID),
        *((instead(RULE, key, "1"), "incomplete-rule", f"H01 needs {key}") for key in SAID),
        (RULE + "liftable = 1 # here", "wrong-type", "H01: liftable is true or false"),
        (without(RULE, "verdict"), "unknown-verdict", "require, hold or block"),
        (instead(RULE, "verdict", "'allow'"), "unknown-verdict", "a rule never allows"),
        (instead(RULE, "verdict", "['hold']"), "unknown-verdict", "require, hold or block"),
        *((RULE + f"stage = {stated} # here", "unknown-stage", STAGES_ARE) for stated in WRONG_STAGES),
        (RULE + "lifted_by = 3 # here", "wrong-type", "H01: lifted_by is a text"),
        (RULE + "effective_from = 2026 # here", "wrong-type", "rule H01: effective_from is a date"),
        *((RULE + instead(ENDS, "until_days", stated), "wrong-type", A_DAY) for stated in WRONG_DAYS),
        (RULE + "until_days = 9 # here\nuntil_from = 'as_of'", "wrong-type", "until_from one of first_s"),
        (RULE + "until_days = 9 # here", "wrong-type", "one of first_statement_on, last_payment_on, service"),
        (RULE + "until_from = 'service_on' # here", "wrong-type", "until_days is a number of days"),
        (instead(RULE, "when", "'nonsense'"), "bad-expression", "rule H01: it means nothing"),
    ],
)
def test_house_rules(text: str, code: str, word: str) -> None:
    assert told(HEAD + text) == [(code, place(HEAD + text))]
    assert word in refused(ours=HEAD + text)[0].reason


def test_a_rule_is_refused_where_nothing_reads_expressions() -> None:
    (error,) = looked_at(None, ours=HEAD + RULE).refused
    assert (error.code, error.where) == ("no-expressions", "ours.toml:7")
    assert "rule H01: nothing here reads expressions" in error.reason


def test_a_mistake_in_one_entry_is_not_told_of_another() -> None:
    """The second of each kind is wrong: its own line is named."""
    for entry, wrong in (
        (ONE + "stage = 'place'\n", "[[gates.G41.value]]\nname = 'x' # here"),
        (CODE, CODE.replace("Z1", "Z2").replace("'REVIEW'", "'R' # here")),
        (REMARK, REMARK.replace("Z1", "Z2").replace("'NOTE'", "'N' # here")),
        (RULE, RULE.replace("H01", "H02").replace("'hold'", "'allow' # here")),
        ("[[group]]\ncode = 'CO'\ntext = 'x'\n", "[[group]] # here\ncode = 1\n"),
    ):
        assert [where for _, where in told(HEAD + entry + wrong)] == [place(HEAD + entry + wrong)]


def test_everything_wrong_is_told_and_nothing_is_warned_of_beside_it() -> None:
    text = HEAD + "[scope]\nfacility = 3\nstate = 4\n[gates.G41]\n[gates.G99]\n[gates.G42]\nnote = 2\n"
    lines = sorted(int(where.rpartition(":")[2]) for _, where in told(text))
    assert lines == [5, 6, 7, 8, 9, 10]
    found = looked_at(ours=text)
    assert found.policy is None and found.warned == ()


def test_a_pack_that_is_no_toml_is_told_with_the_line_and_the_others_are_read() -> None:
    for text, where in (
        (HEAD + "x = \nnote = 'y'\n", "ours.toml:4"),
        (HEAD + 'x = """\nnever ends\n', "ours.toml:6"),
        (HEAD + "x = " + "9" * 5000, "ours.toml"),
        (HEAD + "x = " + "[" * 9000, "ours.toml"),
    ):
        first, second = refused(ours=text, yours="[policy]\n")
        assert (first.code, first.where) == ("policy-syntax", where)
        assert "not readable as TOML: " in first.reason
        assert (second.code, second.where) == ("policy-without-version", "yours.toml:1")


def test_each_gate_is_cited_by_a_pack_for_everybody() -> None:
    """A pack of a scope cites for its own accounts alone; an empty scope is everybody's."""
    head, rest = CITED.split("[gates.G41]", 1)
    most = {"all.toml": head + rest[rest.index("[gates.") :]}
    cited = HEAD + "[scope]\n{}[gates.G41]\ncitation = 'c'\n"
    for texts in (most, {**most, "ours.toml": cited.format("state = ['NY']\n")}):
        (error,) = examine(texts).refused
        assert (error.code, error.where) == ("gate-without-citation", "")
        assert "gate G41 has no citation" in error.reason and "add [gates.G41]" in error.reason
    assert examine({**most, "ours.toml": cited.format("")}).refused == ()
    (first,) = examine({**most, "ours.toml": "[policy]"}).refused
    assert first.code == "policy-without-version"


def test_a_pack_may_say_all_of_this_with_a_note_to_each() -> None:
    note = "note = 'why'\n"
    places = "[facility.GEN]\nstate = 'NY'\nkind = 'hospital'\ntax_exempt = true\n"
    gate = ONE + note + "effective_from = 2026-01-01\neffective_until = 2026-01-02\nstage = 'place'\n"
    entries = CODE + note + FROM + REMARK + note + FROM + "[[group]]\ncode = 'CO'\ntext = 'x'\n"
    rule = RULE + ENDS + note + FROM + "lifted_by = 'x'\nliftable = true\nstage = 'place'\n"
    for precedence in (0, 1000):
        head = HEAD + f"precedence = {precedence}\nshadow = true\n" + note
        gates = gate.replace("citation", "liftable = true\nnote = 'x'\ncitation")
        assert told(head + places + note + gates + entries + rule + LIFT + note) == []


def test_packs_without_a_name_are_not_told_to_have_the_same_one() -> None:
    assert [e.code for e in refused(a="[policy]", b="[policy]")] == ["policy-without-version"] * 2
