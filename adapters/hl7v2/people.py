"""Who and when: PID, PV1, PV2, GT1 and mapped Z-segments become `account.registered`; holds become flags."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from adapters.hl7v2.group import Group
from adapters.hl7v2.mapping import FLAG
from adapters.hl7v2.segments import Segment, component_of
from adapters.hl7v2.values import NotATime, day_of
from schemas.facts import AccountRegistered, Address, Person

_PATIENT: Final = (3, 5, 7, 8, 11, 13, 15, 29, 30)
_GUARANTOR: Final = (2, 3, 5, 6, 8, 9, 11, 22, 24, 25, 36)
_VISIT: Final = (2, 20, 44, 45, 46)


def register(group: Group) -> None:
    """State what the message says of patient, guarantor and visit."""
    pid, pv1, gt1 = group.one("PID"), group.one("PV1"), guarantor_of(group)
    stated: dict[str, Any] = {}
    if pid is not None:
        group.watch_nulls(pid, _PATIENT)
        stated["patient"] = patient(group, pid)
    if gt1 is not None:
        group.watch_nulls(gt1, _GUARANTOR)
        stated["guarantor"] = guarantor(group, gt1)
    if pv1 is not None:
        group.watch_nulls(pv1, _VISIT)
        stated.update(_visit(group, pv1))
    pv2 = group.one("PV2")
    if pv2 is not None and (plans := pv2.simple(20)).isascii() and plans.isdigit() and len(plans) < 3:
        stated["expected_plans"] = int(plans)
    for target, value, segment in mapped(group):
        _put(group, stated, target, value, segment)
    stated = {name: value for name, value in stated.items() if value is not None}
    if stated:
        group.state_as_written(AccountRegistered(**stated), group.where)


def _visit(group: Group, pv1: Segment) -> dict[str, Any]:
    mapping = group.terms.mapping
    patient_class, financial = pv1.text(2), pv1.text(20)
    return {
        "service_from": group.read_day(pv1, 44),
        "service_to": group.read_day(pv1, 45),
        "patient_class": mapping.patient_class.get(patient_class, patient_class) or None,
        "financial_class": mapping.financial_class.get(financial, financial) or None,
    }


def patient(group: Group, pid: Segment) -> Person | None:
    """The patient; None when nothing is stated."""
    phone, email = contact(pid, 13)
    return _stated(
        Person(
            _patient_id(pid) or None,
            pid.simple(5) or None,
            pid.text(5, 2) or None,
            group.read_day(pid, 7),
            pid.text(8) or None,
            pid.text(15) or None,
            address(pid, 11),
            phone,
            email,
            group.read_day(pid, 29),
        )
    )


def _patient_id(pid: Segment) -> str:
    """PID-3 of type MR where one is marked so, else the first."""
    marks = pid.marks
    repetitions = pid.repetitions(3)
    for repetition in repetitions:
        if component_of(repetition, 5, marks) == "MR":
            return component_of(repetition, 1, marks)
    return component_of(repetitions[0], 1, marks) if repetitions else ""


def guarantor_of(group: Group) -> Segment | None:
    """The guarantor that counts: GT1 before any transaction, by priority (GT1-15), then by set id."""
    found = _before_transactions(group, "GT1")
    if len(found) > 1:
        group.note("several-guarantors", f"{group.where} / GT1")
        found = sorted(found, key=_precedence)
    return found[0] if found else None


def _precedence(gt1: Segment) -> tuple[int, int]:
    return _whole(gt1.text(15)), _whole(gt1.text(1))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1 << 20


def _before_transactions(group: Group, tag: str) -> list[Segment]:
    """Segments of the visit; in P11 those after an FT1 concern that transaction alone."""
    found = group.all(tag)
    if len(found) < 2 and not (found and "FT1" in group.by_tag):
        return found
    if group.header.event != "P11":
        return found
    first = group.ordered.index(group.by_tag["FT1"][0]) if "FT1" in group.by_tag else len(group.ordered)
    return [s for s in found if group.ordered.index(s) < first]


def guarantor(group: Group, gt1: Segment) -> Person | None:
    """The guarantor; None when nothing is stated."""
    phone, email = contact(gt1, 6)
    return _stated(
        Person(
            gt1.text(2) or None,
            gt1.simple(3) or None,
            gt1.text(3, 2) or None,
            group.read_day(gt1, 8),
            gt1.text(9) or None,
            gt1.text(36) or None,
            address(gt1, 5),
            phone,
            email,
            group.read_day(gt1, 24),
            gt1.text(11) or None,
        )
    )


_NOBODY: Final = Person()
_NOWHERE: Final = Address()


def _stated(person: Person) -> Person | None:
    return None if person == _NOBODY else person


def address(segment: Segment, n: int) -> Address | None:
    """An address as the sender wrote it. Source: HL7 v2.5.1 2A.89 XAD."""
    if not segment.raw(n):
        return None
    line, second = segment.simple(n), segment.text(n, 2)
    found = Address(
        f"{line}, {second}" if line and second else line or second or None,
        segment.text(n, 3) or None,
        segment.text(n, 4) or None,
        segment.text(n, 5) or None,
    )
    return None if found == _NOWHERE else found


def contact(segment: Segment, n: int) -> tuple[str | None, str | None]:
    """Phone number and e-mail address of a field of telecoms. Source: HL7 v2.5.1 2A.90 XTN."""
    phone = email = None
    if segment.raw(n):
        marks = segment.marks
        for repetition in segment.repetitions(n):
            use, equipment = component_of(repetition, 2, marks), component_of(repetition, 3, marks)
            if use == "NET" or equipment.upper() in ("INTERNET", "X.400"):
                email = email or component_of(repetition, 4, marks) or component_of(repetition, 1, marks)
            elif phone is None and equipment not in ("FX", "BP", "TDD", "TTY", "MD"):
                area, local = component_of(repetition, 6, marks), component_of(repetition, 7, marks)
                phone = component_of(repetition, 1, marks) or f"{area}{local}"
    return phone or None, email or None


def mapped(group: Group) -> list[tuple[str, str, Segment]]:
    """What the mapping takes from Z-segments: target, value, segment. The first segment of a kind speaks."""
    table = group.terms.mapping.z
    found = []
    for path, target in table.items() if table else ():
        segment = group.one(path[:3])
        if segment is not None:
            field, _, component = path[4:].partition(".")
            value = segment.text(int(field), int(component or 1))
            if value:
                found.append((target, value, segment))
    return found


def _put(group: Group, stated: dict[str, Any], target: str, value: str, segment: Segment) -> None:
    if target.startswith(FLAG):
        return
    owner, _, name = target.rpartition(".")
    if owner:
        person: Person = stated.get(owner) or _NOBODY
        stated[owner] = Person(**{**_fields(person), name: value})
    elif target in ("service_from", "service_to"):
        stated[target] = _day(group, value, segment)
    else:
        stated[target] = value


def _fields(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in Person.__dataclass_fields__}


def _day(group: Group, text: str, segment: Segment) -> date | None:
    try:
        return day_of(text)
    except NotATime:
        group.note("date-unreadable", segment.place)
        return None


def place_holds(group: Group) -> None:
    """Flags: death, unknown identity, billing hold, accident, active duty, and what Z-segments say."""
    pid, acc, gt1 = group.one("PID"), group.one("ACC"), guarantor_of_quietly(group)
    if pid is not None and len(pid.fields) > 30:
        if pid.text(30) == "Y":
            group.flag("deceased", "PID-30", f"{pid.place} / PID-30")
        if pid.text(31) == "Y":
            group.flag("identity_event", "PID-31", f"{pid.place} / PID-31")
    if gt1 is not None and len(gt1.fields) > 22:
        billing = gt1.text(22)
        if billing == "Y":
            group.flag("billing_hold", "GT1-22", f"{gt1.place} / GT1-22")
        elif billing == "N":
            group.clear("billing_hold", "GT1-22", f"{gt1.place} / GT1-22")
        if gt1.text(25) == "Y":
            group.flag("deceased", "GT1-25", f"{gt1.place} / GT1-25")
    if acc is not None and (acc.text(4) or acc.text(5) == "Y"):
        # ACC-4 is the state of an automobile accident, ACC-5 says that it happened at work.
        n = 5 if acc.text(5) == "Y" else 4
        group.flag("third_party_liability", f"ACC-{n}", f"{acc.place} / ACC-{n}")
    for in2 in group.all("IN2"):
        if in2.text(16) == "ACT":
            group.flag("active_duty", "IN2-16", f"{in2.place} / IN2-16")
    for target, value, segment in mapped(group):
        if target.startswith(FLAG) and value in ("Y", "N"):
            place = group.flag if value == "Y" else group.clear
            place(target.removeprefix(FLAG), segment.tag, segment.place)


def guarantor_of_quietly(group: Group) -> Segment | None:
    """The same guarantor, without saying again that there were several."""
    found = _before_transactions(group, "GT1")
    return min(found, key=_precedence) if found else None
