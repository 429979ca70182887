"""How each feed is read: its tables as mappings of the doors, and a version that names exactly those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters import fhir, hl7v2
from adapters.store import AuditRow, MappingRow, Unit
from schemas.canonical import digest, from_bytes, to_bytes
from schemas.errors import ConfigRefused
from schemas.feeds import Feed

ANY: Final = "*"
"""The feed under which the mapping of feeds without a file is kept."""


@dataclass(frozen=True, slots=True)
class FeedMapping:
    """How one feed is read. `content` is the canonical table, `version` its SHA-256."""

    feed: str
    hl7v2: hl7v2.Mapping
    fhir: fhir.Mapping
    payers: Mapping[str, str]
    facilities: Mapping[str, str]
    content: bytes
    version: str
    source: Feed
    timezone: str

    @classmethod
    def of(cls, feed: Feed, timezone: str = "UTC") -> FeedMapping:
        """The mapping that a feed's tables say; `timezone` is where times without an offset are otherwise.

        The version does not depend on the order in which the tables are written.

        >>> one = Feed("ehr", "GEN", payers={"BCBS": "60054", "AETNA": "60054"})
        >>> other = Feed("ehr", "GEN", payers={"AETNA": "60054", "BCBS": "60054"})
        >>> FeedMapping.of(one).version == FeedMapping.of(other).version
        True

        Raises:
            ConfigRefused: a table that a door does not take, or two tables that contradict each other.
        """
        read_hl7v2 = hl7v2.Mapping.from_table(_hl7v2_table(feed), "hl7v2")
        read_fhir = _fhir_mapping(feed)
        # Named only where a feed's file does: the versions of other feeds stay what they were.
        bounds = {"door": feed.door, "format": feed.format, "max_bytes": feed.max_bytes}
        content = to_bytes(
            {name: value for name, value in bounds.items() if value is not None}
            | {
                "account": _plain(feed.account),
                "facilities": dict(feed.facilities),
                "facility": feed.facility,
                "fhir": _plain(feed.fhir),
                "hl7v2": _plain(feed.hl7v2),
                "payers": dict(feed.payers),
                "timezone": timezone,
            }
        )
        version = digest(content)
        return cls(
            feed.name, read_hl7v2, read_fhir, feed.payers, feed.facilities, content, version, feed, timezone
        )

    @classmethod
    def read_back(cls, feed: str, content: bytes) -> FeedMapping:
        """A version that was kept, as it was.

        >>> kept = FeedMapping.of(Feed("ehr", "GEN", payers={"BCBS": "60054"}), "America/New_York")
        >>> FeedMapping.read_back("ehr", kept.content) == kept
        True

        Raises:
            ConfigRefused: today's readers do not take its tables any more.
        """
        said = from_bytes(content)
        timezone = said.pop("timezone")
        return cls.of(Feed(feed, **said), timezone)


def remember(unit: Unit, mappings: Iterable[FeedMapping], standard: FeedMapping, now: datetime) -> list[str]:
    """Keep the mappings in force where they differ from the last ones kept; the feeds that changed.

    Each change is an entry of the audit log. A feed whose file is gone is read by the standard from now on.
    """
    current = {mapping.feed: mapping for mapping in mappings} | {ANY: standard}
    before = unit.latest_mappings()
    for feed in before:
        current.setdefault(feed, standard)
    changed = [
        (feed, mapping) for feed, mapping in sorted(current.items()) if before.get(feed) != mapping.version
    ]
    unit.add_mappings([MappingRow(feed, m.version, m.content, now) for feed, m in changed])
    unit.add_audit(
        [
            AuditRow(
                "mapping.changed",
                feed,
                to_bytes({"feed": feed, "from": before.get(feed), "to": m.version}),
                now,
            )
            for feed, m in changed
        ]
    )
    return [feed for feed, _ in changed]


_HL7V2_ACCOUNT: Final = {"field": "account", "type": "account_type"}
_FHIR_ACCOUNT: Final = {"rules": "account", "systems": "account_systems"}
ACCOUNT_KEYS: Final = (*_HL7V2_ACCOUNT, *_FHIR_ACCOUNT)
"""What `[account]` may say: the field and CX.5 of HL7 v2, the rules and identifier systems of FHIR."""


def _hl7v2_table(feed: Feed) -> dict[str, Any]:
    table = _with_account(feed, "hl7v2", feed.hl7v2, _HL7V2_ACCOUNT)
    _join(table, "payer", feed.payers, "hl7v2")
    _join(table, "facilities", feed.facilities, "hl7v2")
    return table


def _fhir_mapping(feed: Feed) -> fhir.Mapping:
    table = _with_account(feed, "fhir", feed.fhir, _FHIR_ACCOUNT)
    _join(table, "payers", feed.payers, "fhir")
    try:
        return fhir.Mapping.from_table(table)
    except ConfigRefused as error:
        raise ConfigRefused(error.code, error.reason, where=f"fhir.{error.where}") from None


def _with_account(
    feed: Feed, door: str, table: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    made = dict(table)
    for name, key in names.items():
        if name in feed.account:
            if key in made:
                raise ConfigRefused("bad-mapping", f"account.{name} says this too", where=f"{door}.{key}")
            made[key] = feed.account[name]
    return made


def _join(table: dict[str, Any], name: str, shared: Mapping[str, str], door: str) -> None:
    """The door's own table with the shared one; one word may not mean two things."""
    own = table.get(name, {})
    if not shared or not isinstance(own, Mapping):
        return
    for word, meaning in shared.items():
        if own.get(word, meaning) != meaning:
            raise ConfigRefused(
                "bad-mapping", "a shared table says otherwise; state it once", where=f"{door}.{name}.{word}"
            )
    table[name] = {**own, **shared}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
