"""Which letters a person reads, and how a contact ended: the words that senders use, and what each means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.facts import AccountRegistered, ContactLogged, Fact, Person, StatementSent
from service.core.gates.dispositions import is_call_attempt, is_conversation, is_effort, is_written, medium_of
from service.core.gates.letters import language_of
from tests.spec.facts_made import adult, charged, covered, day, decided, fact
from tests.spec.gate_answers import answer

BILLED = [adult(), covered("P1", on=-40), charged("320.00", on=-35)]
BILLED += [decided("320.00", "0.00", "PR-1 320.00", on=-5)]

# -- languages: ISO 639-1 beside both codes of ISO 639-2, and the English names ------------------------

LANGUAGES = """
am amh Amharic | ar ara Arabic | bn ben Bengali | de deu ger German | en eng English | es spa Spanish Español
| es espanol | fa fas per Farsi Persian | fr fra fre French | gu guj Gujarati | hi hin Hindi | ht hat Haitian
| it ita Italian | ja jpn Japanese | ko kor Korean | pl pol Polish | pt por Portuguese | ru rus Russian
| so som Somali | tl tgl fil Tagalog Filipino | uk ukr Ukrainian | ur urd Urdu | vi vie Vietnamese
| zh zho chi cmn yue Chinese Mandarin Cantonese
"""


@pytest.mark.parametrize("names", LANGUAGES.split("|"), ids=lambda names: names.split()[0])
def test_a_language_is_the_same_by_each_of_its_names(names: str) -> None:
    code, *others = names.split()
    assert {language_of(name) for name in [code, *others, code.upper(), f" {code}-XX ", f"{code}_XX"]} == {
        code
    }


@pytest.mark.parametrize(
    "said", [None, "", "  ", "und", "UNK", "unknown", "oth", "Other", "zxx", "mul"], ids=repr
)
def test_what_names_no_language_asks_for_none(said: str | None) -> None:
    assert language_of(said) is None


def test_a_language_that_has_no_name_here_is_kept_as_written() -> None:
    assert (language_of("Navajo"), language_of("nv-US")) == ("navajo", "nv")


# -- letters --------------------------------------------------------------------------------------------


def registered(guarantor: Person | None = None, **patient: str) -> Fact:
    return fact(AccountRegistered(patient=Person("M1", **patient), guarantor=guarantor), 1)  # type: ignore[arg-type]


def letter(language: str | None = None, form: str | None = None) -> Fact:
    return fact(StatementSent(1, day(0), None, "mail", language, True, False, True, format=form), 0)


def reads(who: Fact, one: Fact) -> bool:
    """Whether this letter starts the clock of that account."""
    found = answer("G59", [*BILLED, who, one], 70)
    clock = answer("G41", [*BILLED, who, one], 30)
    readable = found.verdict.word == "allow"
    assert readable is (clock.until == day(60))
    return readable


@pytest.mark.parametrize(
    ("wanted", "sent", "read"),
    [
        (None, "es", True),
        ("unknown", "es", True),
        ("en", None, True),
        ("en", "und", True),
        ("en", "eng", True),
        ("en", "es", False),
        ("Spanish", "es-MX", True),
        ("Spanish", None, False),
        ("Spanish", "en", False),
        ("Navajo", "navajo", True),
    ],
)
def test_a_letter_is_read_in_the_language_asked_for_and_is_english_unless_it_says(
    wanted: str | None, sent: str | None, read: bool
) -> None:
    who = registered(language=wanted) if wanted else registered()
    assert reads(who, letter(sent)) is read


@pytest.mark.parametrize(
    ("wanted", "sent", "read"),
    [
        (None, "braille", True),
        ("plain", "braille", True),
        ("Plain  Print", None, True),
        ("print", None, True),
        ("standard", None, True),
        ("large print", "Large_Print", True),
        ("large print", None, False),
        ("large print", "print", False),
        ("braille", "audio", False),
        ("braille", " Braille ", True),
    ],
)
def test_a_letter_is_read_in_the_form_asked_for_and_is_plain_print_unless_it_says(
    wanted: str | None, sent: str | None, read: bool
) -> None:
    who = registered(letter_format=wanted) if wanted else registered()
    assert reads(who, letter(form=sent)) is read


def test_language_and_form_must_both_be_right() -> None:
    who = registered(language="es", letter_format="braille")
    assert reads(who, letter("es", "braille"))
    assert reads(registered(language="es"), letter("es", "braille"))
    assert not reads(who, letter("es")) and not reads(who, letter(None, "braille"))


def test_letters_go_to_the_guarantor_and_as_the_guarantor_reads() -> None:
    spanish, large = Person("M2", language="es"), Person("M2", letter_format="large print")
    assert reads(registered(spanish, language="fr"), letter("es"))
    assert not reads(registered(spanish, language="fr"), letter("fr"))
    assert reads(registered(large, letter_format="braille"), letter(form="large print"))
    # What nobody says of the guarantor is as it is of the patient.
    assert reads(registered(large, language="fr"), letter("fr", "large print"))
    assert reads(registered(Person("M2"), language="fr", letter_format="audio"), letter("fr", "audio"))


# -- how a contact ended --------------------------------------------------------------------------------


def ended(
    code: str, channel: str = "phone", direction: str = "outbound", right: bool | None = None
) -> ContactLogged:
    return ContactLogged(channel, direction, code, datetime(2026, 3, 2, 15, tzinfo=UTC), right_party=right)


REACHED = (
    "RPC RPC-PTP RPC-PLAN RPC-PIF RPC-SIF RPC-DISP RPC-FA RPC-INS RPC-REF RPC-CB RPC-CEASE RPC-BK RPC-DEC"
)
CALLED = "TPC LM NA BZ HU WN DISC LANG"
NEITHER = "MAIL MAIL-RTN EM TX OPT-OUT PORTAL BPTP NSF"


@pytest.mark.parametrize(
    ("codes", "attempt", "conversation"),
    [(REACHED, True, True), (CALLED, True, False), (NEITHER, False, False)],
)
def test_each_code_is_a_call_and_a_conversation_or_not(codes: str, attempt: bool, conversation: bool) -> None:
    for code in codes.split():
        for written in (code, f" {code.lower()} "):
            for channel, right in (("phone", None), ("phone", True), ("dialler", None), ("", True)):
                one = ended(written, channel, right=right)
                assert (is_call_attempt(one), is_conversation(one)) == (attempt, conversation), code
        # What the person begins is no call of ours, and a talk all the same.
        for direction in ("inbound", " In", "incoming"):
            theirs = ended(code, direction=direction, right=True)
            assert (is_call_attempt(theirs), is_conversation(theirs)) == (False, conversation), code
        assert is_call_attempt(ended(code, direction="")) is attempt


@pytest.mark.parametrize(
    ("channel", "right", "attempt", "conversation"),
    [
        ("phone", None, True, False),
        ("phone", False, True, False),
        ("phone", True, True, True),
        ("email", True, False, False),
        ("visit", True, False, False),
    ],
)
def test_a_code_that_is_not_ours_is_taken_at_its_word_on_the_telephone_alone(
    channel: str, right: bool | None, attempt: bool, conversation: bool
) -> None:
    one = ended("ANSWERED", channel, right=right)
    assert (is_call_attempt(one), is_conversation(one)) == (attempt, conversation)


@pytest.mark.parametrize(
    ("words", "medium"),
    [
        ("phone telephone Call VOICE mobile", "phone"),
        ("email E-Mail", "email"),
        ("text sms", "text"),
        ("mail", "mail"),
        ("Portal", "portal"),
    ],
)
def test_each_channel_is_one_medium_by_each_of_its_names(words: str, medium: str) -> None:
    assert {medium_of(ended("NA", word)) for word in words.split()} == {medium}
    assert {medium_of(ended("NA", f" {word} ")) for word in words.split()} == {medium}


@pytest.mark.parametrize(
    ("codes", "effort"),
    [
        (REACHED, True),
        ("TPC LM NA BZ HU LANG MAIL EM TX", True),
        ("WN DISC MAIL-RTN OPT-OUT PORTAL BPTP NSF", False),
    ],
)
def test_what_could_reach_the_person_and_came_from_us_was_an_effort(codes: str, effort: bool) -> None:
    for code in codes.split():
        assert is_effort(ended(code)) is effort, code
        assert not is_effort(ended(code, direction="inbound"))


@pytest.mark.parametrize(
    ("channel", "code", "written"),
    [
        ("email", "SENT", True),
        (" E-mail ", "SENT", True),
        ("text", "SENT", True),
        ("SMS", "SENT", True),
        ("other", "em", True),
        ("other", "TX", True),
        ("mail", "MAIL", False),
        ("phone", "LM", False),
    ],
)
def test_a_message_is_written_by_its_channel_or_by_its_code(channel: str, code: str, written: bool) -> None:
    assert is_written(ended(code, channel)) is written
