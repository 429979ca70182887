"""Calls, hours, media, machines and notices: what our own people observe, and what an agency must be told."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from schemas.facts import (
    AccountRegistered,
    AgencyReported,
    ContactLogged,
    Fact,
    NoticeRecorded,
)
from service.core import Policy, parse_policy
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    policy_texts,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says

STAGES = (OPEN, PLACE, EXTRAORDINARY)
CLAIM = decided("320.00", "0.00", "PR-1 320.00", on=-5)
PLAIN = [adult(), covered("P1", on=-40), charged("320.00", on=-35), CLAIM, *statements()]
TELL = "notice.recorded agency_instructions"


def contact(
    disposition: str, on: int, channel: str = "phone", direction: str = "outbound", **more: object
) -> Fact:
    at = datetime.combine(day(on), time(15), tzinfo=UTC)
    return fact(ContactLogged(channel, direction, disposition, at, **more), on)  # type: ignore[arg-type]


def paper(kind: str, on: int, valid: bool = True) -> Fact:
    return fact(NoticeRecorded(f"{kind} {on}", kind, day(on), valid=valid), on)


def federal(gate: str, name: str, old: str, new: str) -> Policy:
    """The bundled packs with one federal value changed."""
    texts = policy_texts()
    before, mark, after = texts["us_federal.toml"].partition(
        f'[[gates.{gate}.value]]\nname = "{name}"\nvalue = {old}\n'
    )
    assert mark
    texts["us_federal.toml"] = f"{before}{mark.replace(f'= {old}', f'= {new}')}{after}"
    return parse_policy(texts)


def observed(gate: str, facts: list[Fact], since: int, rests_on: list[Fact], policy: Policy = POLICY) -> str:
    """Our own people observe it; an agency must have been told in writing on that day or later."""
    more = {"policy": policy}
    own = says(gate, facts, 130, "allow", rests_on=rests_on, **more)  # type: ignore[arg-type]
    missing = says(gate, facts, 130, "require", lifted_by=TELL, rests_on=rests_on, stage=PLACE, **more)  # type: ignore[arg-type]
    assert missing.because == f"{own.because} The agency must be told so."
    early, told = paper("agency_instructions", since - 1), paper("agency_instructions", since)
    says(gate, [*facts, early], 130, "require", lifted_by=TELL, rests_on=rests_on, stage=PLACE, **more)  # type: ignore[arg-type]
    found = says(gate, [*facts, told], 130, "allow", rests_on=[*rests_on, told], stage=PLACE, **more)  # type: ignore[arg-type]
    assert found.because == f"{own.because} The agency was told so."
    says(gate, facts, 130, "allow", stage=EXTRAORDINARY, **more)  # type: ignore[arg-type]
    assert answer(gate, facts, 130, EXTRAORDINARY, **more).evidence == ()  # type: ignore[arg-type]
    return own.because


# -- how often ------------------------------------------------------------------------------------------


def test_seven_calls_in_seven_days_leave_none_before_the_eighth_day() -> None:
    calls = [contact("LM", on) for on in range(120, 128)]
    for stage, verdict in ((OPEN, "allow"), (PLACE, "require")):
        until = None if stage == OPEN else 128
        found = says("G60", [*PLAIN, *calls], 127, verdict, until=until, rests_on=calls[1:], stage=stage)
        assert found.because == f"No call may be made before {day(128)}."
        assert answer("G60", [*PLAIN, *calls], 128, stage).evidence == ()
    assert answer("G60", [*PLAIN, *calls], 127, EXTRAORDINARY).evidence == ()
    assert answer("G60", [*PLAIN, *calls[:6]], 126, PLACE).verdict.word == "allow"


@pytest.mark.parametrize(("spoke", "until"), [(123, 131), (125, 132)])
def test_of_the_calls_and_the_last_conversation_the_later_day_counts(spoke: int, until: int) -> None:
    spoken = [contact("RPC", on, "phone", "inbound") for on in (spoke - 3, spoke)]
    calls = [contact("LM", on) for on in range(123, 131)]
    wanted = calls[1:] if until == 131 else [spoken[1]]
    says("G60", [*PLAIN, *spoken, *calls], 130, "require", until=until, rests_on=wanted, stage=PLACE)


def test_after_a_conversation_it_is_quiet_for_seven_days() -> None:
    spoken = contact("RPC-CB", 120)
    says("G60", [*PLAIN, spoken], 126, "require", until=127, rests_on=[spoken], stage=PLACE)
    says("G60", [*PLAIN, spoken], 127, "allow", stage=PLACE)


def test_where_policy_allows_no_call_at_all_there_is_none_whenever() -> None:
    policy = federal("G60", "calls", "7", "0")
    for facts in (PLAIN, [*PLAIN, contact("LM", 20)]):
        found = says("G60", facts, 130, "require", lifted_by=TELL, stage=PLACE, policy=policy)
        assert found.because.startswith("No call may be made.")


# -- when and where -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "minute", "decent"), [(7, 59, False), (8, 0, True), (12, 0, True), (21, 0, True), (21, 1, False)]
)
def test_calls_are_made_from_eight_to_nine_where_the_person_is(hour: int, minute: int, decent: bool) -> None:
    call = contact("LM", 100, local_minutes=60 * hour + minute)
    if decent:
        says("G61", [*PLAIN, call], 130, "allow", stage=PLACE)
    else:
        text = observed("G61", [*PLAIN, call], 100, [call])
        assert text == "A call was made outside the hours from 8 to 21 o'clock where the person is."


def test_only_our_own_calls_can_be_at_a_bad_hour() -> None:
    night = {"local_minutes": 30}
    for other in (contact("RPC", 100, "phone", "inbound", **night), contact("EM", 100, "email", **night)):
        says("G61", [*PLAIN, other], 130, "allow", stage=PLACE)
    early, late = contact("LM", 100, **night), contact("NA", 110, **night)
    observed("G61", [*PLAIN, late, early, contact("LM", 120)], 110, [early, late])


def test_times_and_places_that_do_not_suit_are_all_observed() -> None:
    """What an agency was told of one of them does not tell it of the other."""
    hour, place = flagged("inconvenient_time", 90), flagged("inconvenient_place", 100)
    assert "times at which" in observed("G61", [*PLAIN, hour], 90, [hour])
    text = observed("G61", [*PLAIN, hour, place], 100, [hour, place])
    assert "times at which" in text and "places, such as work" in text
    earlier = flagged("inconvenient_place", 80, reference="home")
    observed("G61", [*PLAIN, earlier, place], 100, [earlier, place])
    night = contact("LM", 110, local_minutes=30)
    observed("G61", [*PLAIN, place, night], 110, [place, night])


# -- media ----------------------------------------------------------------------------------------------


def test_a_medium_that_was_stopped_is_named_and_not_used() -> None:
    stop = contact("OPT-OUT", 90, "sms", "inbound")
    assert observed("G62", [*PLAIN, stop], 90, [stop]) == "The person stopped contact by text."
    before, after = contact("TX", 89, "text"), contact("TX", 95, "text")
    other, theirs = contact("EM", 95, "email"), contact("TX", 95, "text", "inbound")
    observed("G62", [*PLAIN, stop, before, other, theirs], 90, [stop])
    text = observed("G62", [*PLAIN, stop, after], 95, [stop, after])
    assert text.endswith("A message was sent that should not have been, or that told no way to stop it.")


def test_several_media_that_were_stopped_are_all_named() -> None:
    stops = [contact("OPT-OUT", 90, "phone", "inbound"), contact("OPT-OUT", 80, "e-mail", "inbound")]
    assert observed("G62", [*PLAIN, *stops], 90, stops) == "The person stopped contact by email and by phone."
    again = contact("OPT-OUT", 95, "phone", "inbound")
    observed("G62", [*PLAIN, *stops, again], 95, [stops[1], again])
    call = contact("LM", 96)
    observed("G62", [*PLAIN, *stops, call], 96, [*stops, call])


@pytest.mark.parametrize(
    ("channel", "offered", "fault"),
    [
        ("email", False, True),
        ("text", False, True),
        ("email", True, False),
        ("email", None, False),
        ("mail", False, False),
    ],
)
def test_each_message_tells_how_to_stop_such_messages(
    channel: str, offered: bool | None, fault: bool
) -> None:
    sent = contact("SENT", 90, channel, opt_out_offered=offered)
    if fault:
        text = observed("G62", [*PLAIN, sent], 90, [sent])
        assert text.startswith("A message was sent")
    else:
        says("G62", [*PLAIN, sent], 130, "allow", stage=PLACE)


# -- machines -------------------------------------------------------------------------------------------

CONSENT = "automated_contact_consent"


def machine(on: int, direction: str = "outbound", automated: bool | None = True) -> Fact:
    return contact("LM", on, "phone", direction, automated=automated)


def test_a_machine_calls_only_from_the_day_of_the_consent() -> None:
    given, early, lawful = paper(CONSENT, 50), machine(49), machine(50)
    observed("G63", [*PLAIN, machine(60)], 60, [machine(60)])
    observed("G63", [*PLAIN, given, early, lawful], 49, [early])
    no_machine = [machine(60, "inbound"), machine(60, automated=False), machine(60, automated=None)]
    for fine in ([given, lawful], [given], no_machine):
        found = answer("G63", [*PLAIN, *fine], 130, PLACE)
        assert (found.verdict.word, found.evidence) == ("allow", ())


def test_of_several_unlawful_calls_the_last_must_be_known_to_the_agency() -> None:
    calls = [machine(60), machine(70)]
    assert "without consent" in observed("G63", [*PLAIN, *reversed(calls)], 70, calls)


def test_where_a_state_bars_machines_no_consent_helps() -> None:
    given, call = paper(CONSENT, 50), machine(60)
    policy = federal("G63", "automated_allowed", "true", "false")
    observed("G63", [*PLAIN, given, call], 60, [call], policy=policy)


MONDAY = 60
TENTH = MONDAY + 14


def test_a_revocation_is_observed_at_once_by_an_agency_and_honoured_within_ten_business_days() -> None:
    assert day(MONDAY).weekday() == 0
    given, revoked = paper(CONSENT, 50), paper(CONSENT, MONDAY, valid=False)
    facts = [*PLAIN, given, revoked]
    assert observed("G63", facts, MONDAY, [revoked]) == "Consent to calls and texts by machine was revoked."
    observed("G63", [*facts, machine(TENTH)], MONDAY, [revoked])
    late = machine(TENTH + 1)
    text = observed("G63", [*facts, late], TENTH + 1, [late, revoked])
    assert text.startswith("A machine called") and text.endswith("was revoked.")


def test_saying_it_again_gives_nobody_more_days() -> None:
    given, revoked, again = (
        paper(CONSENT, 50),
        paper(CONSENT, MONDAY, valid=False),
        paper(CONSENT, 70, valid=False),
    )
    late = machine(TENTH + 1)
    observed("G63", [*PLAIN, given, revoked, again, late], TENTH + 1, [late, again])


def test_consent_given_anew_stands_again_and_a_revocation_of_nothing_excuses_nothing() -> None:
    given, revoked, anew = paper(CONSENT, 50), paper(CONSENT, MONDAY, valid=False), paper(CONSENT, 90)
    says("G63", [*PLAIN, given, revoked, anew, machine(100)], 130, "allow", stage=PLACE)
    between = machine(89)
    observed("G63", [*PLAIN, given, revoked, anew, between], 89, [between])
    once_more, call = paper(CONSENT, 95, valid=False), machine(96)
    observed("G63", [*PLAIN, given, revoked, anew, once_more, call], 95, [once_more])
    observed("G63", [*PLAIN, revoked, machine(MONDAY)], MONDAY, [machine(MONDAY), revoked])


def test_an_agency_that_was_told_of_a_call_was_not_told_of_the_revocation_after_it() -> None:
    given, call, revoked = paper(CONSENT, 50), machine(40), paper(CONSENT, MONDAY, valid=False)
    observed("G63", [*PLAIN, given, call, revoked], MONDAY, [call, revoked])


# -- who hears of it ------------------------------------------------------------------------------------


def test_whoever_named_debt_or_health_to_others_does_so_no_more() -> None:
    told = [contact(code, on, disclosed=True) for code, on in (("LM", 70), ("LM", 80), ("TPC", 90))]
    fine = [contact("TPC", 100, disclosed=False), contact("LM", 110)]
    text = observed("G64", [*PLAIN, *told, *fine], 90, told)
    assert text == "Debt or health was named to somebody else, or in a message left."
    says("G64", [*PLAIN, *fine], 130, "allow", stage=PLACE)


# -- an agency's notice ---------------------------------------------------------------------------------


def agency(kind: str, on: int, case: str = "C1") -> Fact:
    return fact(AgencyReported(case, kind, day(on)), on)


def test_without_a_day_to_itemize_from_nothing_is_placed() -> None:
    bare = [adult(), covered("P1", on=-40), CLAIM]
    wanted = "account.registered, charge.posted or statement.sent"
    for stage in (PLACE, EXTRAORDINARY):
        says("G65", bare, 130, "require", lifted_by=wanted, stage=stage)
    says("G65", bare, 130, "allow")
    for known in (
        charged("320.00", on=-35),
        fact(AccountRegistered(service_from=day(-35)), 1),
        *statements()[:1],
    ):
        says("G65", [*bare, known], 130, "allow", stage=PLACE)


MISSING = {"lifted_by": "notice.recorded validation_notice"}


def test_an_agencys_written_notice_is_due_five_days_after_its_first_word() -> None:
    first, second = agency("acknowledged", 140), agency("acknowledged", 143, "C2")
    facts = [*PLAIN, second, first]
    in_time = says("G65", facts, 145, "allow", until=146, rests_on=[first, second], stage=PLACE)
    assert "still in time" in in_time.because
    says("G65", facts, 146, "require", rests_on=[first, second], stage=PLACE, **MISSING)  # type: ignore[arg-type]
    for on in (145, 146):
        says("G65", facts, on, "require", rests_on=[first, second], stage=EXTRAORDINARY, **MISSING)  # type: ignore[arg-type]
        says("G65", facts, on, "allow")


def test_only_what_an_agency_has_acknowledged_by_now_has_begun() -> None:
    for none in (agency("acknowledged", 151), agency("payment", 120)):
        found = answer("G65", [*PLAIN, none], 150, EXTRAORDINARY)
        assert (found.verdict.word, found.evidence) == ("allow", ())
    today = agency("acknowledged", 150)
    says("G65", [*PLAIN, today], 150, "require", rests_on=[today], stage=EXTRAORDINARY, **MISSING)  # type: ignore[arg-type]


def test_the_window_to_dispute_the_notice_keeps_extraordinary_actions() -> None:
    began, notice = agency("acknowledged", 140), paper("validation_notice", 144)
    facts = [*PLAIN, began, notice]
    says("G65", facts, 173, "hold", until=174, rests_on=[notice], stage=EXTRAORDINARY)
    says("G65", facts, 174, "allow", stage=EXTRAORDINARY)
    for stage in (OPEN, PLACE):
        says("G65", facts, 173, "allow", stage=stage)
