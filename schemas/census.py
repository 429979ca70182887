"""What samples of an unknown sender hold, field by field: counts and codes, never who a person is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

CODE_CHARACTERS: Final = 160
"""A text beyond this is no code, and is not told."""

CODES: Final = 500
"""Different codes of one field that are counted; the rest counts as other."""


@dataclass(slots=True)
class Census:
    """Counts over all samples of one format.

    `kinds` counts messages or resources by type; `fields` those in which a field is filled; `of` how often
    the segment or resource stood there that could have filled it; `codes` the codes of a field.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Counter[str]] = field(default_factory=dict)

    def see(self, name: str, filled: object) -> None:
        """Count a field that could stand here, and whether it does."""
        self.of[name] += 1
        self.fields[name] += bool(filled)

    def code(self, name: str, value: str) -> None:
        """Count a code; empty ones, and texts that are none, are left out."""
        value = value.strip()
        if not value or len(value) > CODE_CHARACTERS or not value.isprintable():
            return
        counted = self.codes.setdefault(name, Counter())
        if value in counted or len(counted) < CODES:
            counted[value] += 1
