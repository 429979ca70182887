"""For whoever adds a record: one made quickly is in every way the record that dataclasses makes."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from schemas import decisions, facts
from schemas.facts import AccountRef, Coverage, Payer
from schemas.records import from_plain, swift_init


@dataclass(frozen=True, slots=True)
class Plain:
    """As dataclasses makes it."""

    number: int
    name: str = "none"
    parts: tuple[int, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True, order=True)
class Swift:
    """The same, made quickly."""

    number: int
    name: str = "none"
    parts: tuple[int, ...] = ()


def records() -> list[type[Any]]:
    """Every record of facts and decisions."""
    found = {thing for room in (facts, decisions) for thing in vars(room).values() if inspect.isclass(thing)}
    return sorted((r for r in found if dataclasses.is_dataclass(r)), key=lambda r: r.__name__)


def test_a_swift_record_holds_what_it_was_given_and_its_defaults() -> None:
    made = Swift(7, parts=(1, 2))
    assert (made.number, made.name, made.parts) == (7, "none", (1, 2))
    assert repr(made) == "Swift(number=7, name='none', parts=(1, 2))"


def test_a_swift_record_stays_frozen() -> None:
    made = Swift(7)
    with pytest.raises(FrozenInstanceError):
        made.number = 8  # type: ignore[misc]
    with pytest.raises((FrozenInstanceError, TypeError)):
        made.other = 8  # type: ignore[attr-defined]


def test_swift_records_are_equal_ordered_and_hashed_by_what_they_hold() -> None:
    assert Swift(7) == Swift(7, "none") != Swift(8)
    assert sorted([Swift(8), Swift(7)]) == [Swift(7), Swift(8)]
    assert len({Swift(7), Swift(7), Swift(8)}) == 2


def test_a_swift_record_survives_pickling_and_replacing() -> None:
    made = Swift(7, "a", (3,))
    assert pickle.loads(pickle.dumps(made)) == made
    assert replace(made, number=8) == Swift(8, "a", (3,))


@pytest.mark.parametrize("arguments", [(), (1, "a", (), 4)], ids=["too few", "too many"])
def test_a_swift_record_refuses_the_wrong_number_of_values(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"Swift\.__init__"):
        Swift(*arguments)


def test_a_swift_record_refuses_a_name_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="colour"):
        Swift(7, colour="red")  # type: ignore[call-arg]


def test_a_swift_record_says_the_same_of_its_arguments_as_dataclasses_does() -> None:
    swift, plain = inspect.signature(Swift.__init__), inspect.signature(Plain.__init__)
    assert str(swift) == str(plain)


@pytest.mark.parametrize("record", records(), ids=lambda r: r.__name__)
def test_every_record_takes_its_fields_in_order_with_their_defaults(record: type[Any]) -> None:
    wanted = [(f.name, inspect.Parameter.empty if f.default is dataclasses.MISSING else f.default)
              for f in dataclasses.fields(record)]  # fmt: skip
    taken = list(inspect.signature(record.__init__).parameters.values())[1:]
    assert [(p.name, p.default) for p in taken] == wanted
    marks = [object() for _ in wanted]
    made = record(*marks)
    assert [getattr(made, name) for name, _ in wanted] == marks


def test_what_is_no_plain_frozen_record_is_refused() -> None:
    @dataclass(slots=True)
    class Open:
        number: int

    @dataclass(frozen=True)
    class WithoutSlots:
        number: int

    @dataclass(frozen=True, slots=True)
    class MadeAnew:
        numbers: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class Afterwards:
        number: int

        def __post_init__(self) -> None:
            raise AssertionError

    class NoRecord:
        pass

    for wrong in (Open, WithoutSlots, MadeAnew, Afterwards, NoRecord):
        with pytest.raises(TypeError):
            swift_init(wrong)


def test_reading_a_record_leaves_the_plain_data_as_it_was() -> None:
    plain = {"order": 1, "payer": {"id": "60054"}, "effective_from": "2026-01-02"}
    before = {"order": 1, "payer": {"id": "60054"}, "effective_from": "2026-01-02"}
    assert from_plain(Coverage, plain).payer == Payer("60054")
    assert plain == before


@pytest.mark.parametrize(
    "plain", [{"facility": "GEN"}, {"facility": "GEN", "number": "A1", "colour": "red"}], ids=["less", "more"]
)
def test_reading_a_record_refuses_a_missing_field_and_one_too_many(plain: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        from_plain(AccountRef, plain)
