"""For the on-call engineer: a calmed garbage collector still collects, and passes over what was wired."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from service.app import calm_collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave this process's collector as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Circle:
    """Something that only the collector can remove."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_wired_is_no_longer_looked_at_and_the_rest_more_rarely() -> None:
    before = gc.get_threshold()[0]
    calm_collector()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > before
    assert gc.isenabled()


def test_circles_made_later_are_still_removed_without_being_asked_for() -> None:
    calm_collector()
    gone = weakref.ref(Circle())
    kept = []
    while gone() is not None and len(kept) < 2_000_000:
        kept.append([])
    assert gone() is None
