"""The line that a refusal names is the one an editor shows, however the file is written."""

from __future__ import annotations

import tomllib

import pytest

from service.core.policy import Lines
from tests.spec.policies_made import HEAD, refused

PACK = '''# What we ask.
[policy]
  id = "ours"   # a name
version='1'

[gates.G41]
citation = """
[gates.G42]
a # b \\""" c"""
liftable = false
[[gates.G41.value]]
name = "min_days"
value = 60
  [[gates.G41.value]]
  "name" = 'min_days'
  'value' = 61
[gates . "G42" ]
citation = 'c \\'
note = "x = 1 [ # \\" {"
[[reason]]
codes = [ # a list
  "1", # "
  '2', [ "#]" ],
]
class = "REVIEW"
text = \'\'\'
class = "NOTE"
\'\'\'
[[reason]]
codes = ["3"]
facility.GEN.state = "NY"
facility.GEN.kind = { a = "}", b = [
1] }
more = "x"
[[rule]]
[rule.inner]
deep = 1
[[rule.many]]
one = 1
[[rule.many]]
one = 2
[[rule]]
[[rule.many]]
one = 3
[facility."a.b"]
state = ""
kind = ''
last = 1
[late]
# not the place
  # nor this
key = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("policy",), 2),
        (("policy", "id"), 3),
        (("policy", "version"), 4),
        (("policy", "precedence"), 2),
        (("gates",), 6),
        (("gates", "G41"), 6),
        (("gates", "G41", "citation"), 7),
        (("gates", "G41", "liftable"), 10),
        (("gates", "G41", "value"), 11),
        (("gates", "G41", "value", 0), 11),
        (("gates", "G41", "value", 0, "name"), 12),
        (("gates", "G41", "value", 0, "value"), 13),
        (("gates", "G41", "value", 0, "unit"), 11),
        (("gates", "G41", "value", 1), 14),
        (("gates", "G41", "value", 1, "name"), 15),
        (("gates", "G41", "value", 1, "value"), 16),
        (("gates", "G41", "value", 2), 11),
        (("gates", "G42"), 17),
        (("gates", "G42", "citation"), 18),
        (("gates", "G42", "note"), 19),
        (("reason", 0), 20),
        (("reason", 0, "codes"), 21),
        (("reason", 0, "class"), 25),
        (("reason", 0, "text"), 26),
        (("reason", 1), 29),
        (("reason", 1, "codes"), 30),
        (("reason", 1, "class"), 29),
        (("reason", 1, "facility"), 31),
        (("reason", 1, "facility", "GEN"), 31),
        (("reason", 1, "facility", "GEN", "state"), 31),
        (("reason", 1, "facility", "GEN", "kind"), 32),
        (("reason", 1, "more"), 34),
        (("rule", 0), 35),
        (("rule", 0, "inner"), 36),
        (("rule", 0, "inner", "deep"), 37),
        (("rule", 0, "many", 0, "one"), 39),
        (("rule", 0, "many", 1), 40),
        (("rule", 0, "many", 1, "one"), 41),
        (("rule", 1), 42),
        (("rule", 1, "many", 0), 43),
        (("facility", "a.b"), 45),
        (("facility", "a.b", "state"), 46),
        (("facility", "a.b", "kind"), 47),
        (("facility", "a.b", "last"), 48),
        (("late",), 49),
        (("late", "key"), 52),
        (("scope",), 0),
        ((), 0),
    ],
)
def test_each_table_entry_and_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert Lines(PACK).of(*path) == line
    assert Lines(PACK.replace("\n", "\r\n")).of(*path) == line


def test_the_pack_of_these_stories_is_toml() -> None:
    read = tomllib.loads(PACK)
    assert read["gates"]["G42"]["note"] == 'x = 1 [ # " {' and len(read["rule"][0]["many"]) == 2
    assert tomllib.loads(PACK.replace("\n", "\r\n"))["rule"] == read["rule"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_what_other_programs_take_for_the_end_of_a_line_is_none_in_a_pack(separator: str) -> None:
    """Pasted from a law on the web: an editor shows one line."""
    text = f"{HEAD}note = '§ 12{separator}(3)'\n# {separator}\n[gates.G99]\ncitation = 'c'\n"
    (error,) = refused(ours=text)
    assert error.where == "ours.toml:6"


def test_a_mark_at_the_beginning_of_the_file_is_no_part_of_it() -> None:
    """Some editors of Windows write one, and nobody sees it."""
    assert refused(ours="\ufeff" + HEAD) == ()
    text = "\ufeff" + HEAD.replace("version", "note")
    (error,) = refused(ours=text)
    assert (error.code, error.where) == ("policy-without-version", "ours.toml:1")


@pytest.mark.parametrize(
    "value",
    [
        '"a # b"',
        "'a # b'",
        '"""a"""',
        "'''a'''",
        '""',
        "''",
        '"\\\\"',
        "'\\'",
        '"\\""',
        "[]",
        "[\n]",
        "[ # ]\n]",
        "[ '[' ]",
        '["]",\n"["]',
        "{ a = 1 }",
        "{ a = '}' }",
        "[[1], [\n2]]",
        '"""\nx = 1\n"""',
        '"""\\"""\n"""',
        "'''\n\\'''",
        '"""a""b"""',
        '"""a""""',
        '"""a"""""',
        "'''a''''",
        '["\\\\"]',
        '["\\"]"]',
        "1 # [",
        "1 # ''''",
        '[1, # """\n2]',
        '"""\n[z]\n\'\'\'\n"""',
    ],
)
def test_what_follows_a_value_is_found_on_its_line(value: str) -> None:
    """Whether or not it goes on over several lines, and whatever brackets and quotes stand in it."""
    text = f"a = {value}\nb = 1\n[t]\nc = 1\n"
    assert set(tomllib.loads(text)) == {"a", "b", "t"}
    first = value.count("\n") + 2
    lines = Lines(text)
    assert (lines.of("a"), lines.of("b"), lines.of("t"), lines.of("t", "c")) == (
        1,
        first,
        first + 1,
        first + 2,
    )
    assert lines.of("x") == 0 and lines.of("z") == 0
