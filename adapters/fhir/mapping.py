"""What one feed's FHIR means: where account numbers stand, how payers and codes are called elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import ConfigRefused

RULES: Final = ("patientaccountnumber", "identifier", "claim")
"""Where the account number of an adjudication may stand: CARIN supportingInfo; an identifier of type AN or
pat, or of one of `account_systems`; the identifier of the claim that it answers."""

ROLES: Final = frozenset(
    {
        "submitted",
        "eligible",
        "benefit",
        "paidtoprovider",
        "paidtopatient",
        "memberliability",
        "noncovered",
        "ignored",
    }
)
"""What a code of the payer's own may stand for, besides an adjustment such as `PR-2`."""

GROUPS: Final = frozenset({"CO", "PR", "OA", "PI"})
KINDS: Final = frozenset(
    ("commercial", "medicare", "medicare_advantage", "medicaid", "qmb", "tricare", "va", "workers_comp",
     "auto", "liability", "other")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one feed is read. The default reads what the standard and CARIN BB say, and guesses nothing.

    `facility` overrides the feed's; `account` lists where account numbers stand, tried in order;
    `account_systems` are the identifier systems of account numbers. `payers` leads from an identifier value,
    `system|value`, reference or name to the payer id that other feeds use. `categories` leads from a code or
    `system|code` to a role or an adjustment (`PR-2`); `coverage_kinds` from a coverage type to a payer kind.
    """

    facility: str | None = None
    account: tuple[str, ...] = ("patientaccountnumber", "identifier")
    account_systems: frozenset[str] = frozenset()
    payers: dict[str, str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    coverage_kinds: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Mapping:
        """Read a feed's `fhir` table.

        >>> Mapping.from_table({"account": ["claim"], "payers": {"Organization/1": "60054"}}).payers
        {'Organization/1': '60054'}

        Raises:
            ConfigRefused: `bad-mapping`, with the place.
        """
        known: dict[str, Callable[[Any, str], Any]] = {
            "facility": _word,
            "account": _rules,
            "account_systems": lambda value, where: frozenset(_words(value, where)),
            "payers": _crosswalk,
            "categories": lambda value, where: _crosswalk(value, where, _meaning),
            "coverage_kinds": lambda value, where: _crosswalk(value, where, _kind),
        }
        for name in table:
            if name not in known:
                raise _bad(name, f"there is no such setting; there are {', '.join(sorted(known))}")
        return cls(**{name: known[name](value, name) for name, value in table.items()})


def _bad(where: str, reason: str) -> ConfigRefused:
    return ConfigRefused("bad-mapping", reason, where=where)


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _bad(where, "write a text of visible characters")
    return value


def _words(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not value:
        raise _bad(where, "write a list of texts")
    return [_word(one, f"{where}[{at}]") for at, one in enumerate(value)]


def _rules(value: Any, where: str) -> tuple[str, ...]:
    words = _words(value, where)
    for at, word in enumerate(words):
        if word not in RULES:
            raise _bad(f"{where}[{at}]", f"write one of {', '.join(RULES)}")
    return tuple(words)


def _crosswalk(value: Any, where: str, check: Callable[[str, str], str] | None = None) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _bad(where, 'write a table: "what the sender writes" = "what it means"')
    made = {}
    for name, meaning in value.items():
        made[str(name)] = (check or _word)(_word(meaning, f"{where}.{name}"), f"{where}.{name}")
    return made


def _meaning(word: str, where: str) -> str:
    group, _, code = word.partition("-")
    if word not in ROLES and not (group in GROUPS and code.isalnum() and len(code) <= 5):
        raise _bad(where, f"write an adjustment such as PR-2, or one of {', '.join(sorted(ROLES))}")
    return word


def _kind(word: str, where: str) -> str:
    if word not in KINDS:
        raise _bad(where, f"write one of {', '.join(sorted(KINDS))}")
    return word
