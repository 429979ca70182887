"""What the rows say of each other. A ratio of something that was not measured is None, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from service.bench.grounds import STORES, StoreKind
from service.bench.rows import Row

HEADLINE: Final[tuple[StoreKind, ...]] = ("postgres", "sqlite")
"""Production's store comes first; without it the embedded one stands for both."""

PLAIN_WRITE: Final[dict[StoreKind, str]] = {
    "postgres": "raw_write_postgres_200_executemany",
    "sqlite": "raw_write_sqlite_200",
}
"""The four-table write that most programs would do: SQLite's driver has no other."""

ARRAY_WRITES: Final = ("raw_write_postgres_200", "raw_write_postgres_500")

NOT_YET: Final = {
    "hl7v2_over_naive": "Baton does not read HL7 v2 yet",
    "json_over_peer": "no peer framework is part of this run",
    "x12_over_peer": "no peer framework is part of this run",
}

Ratios = tuple[dict[str, float | None], dict[str, str]]


def ratios(rows: Sequence[Row]) -> Ratios:
    """Every ratio by name, and why those that are None are.

    `json_of_raw_limit` takes the better of one and two workers and stands beside both; everything else sets
    one worker against one raw or one naive process. A store's raw limit is the lower of pika's consume and
    the plain batched four-table write: `executemany`, 200 messages a commit. `json_of_raw_arrays` holds the
    same figure against the fastest write there is, one array a column, which few programs use.
    """
    by_key = {row.key: row.value for row in rows if row.value is not None}
    out: dict[str, float | None] = {}
    for store in STORES:
        json, two = by_key.get(f"baton_json_{store}_1"), by_key.get(f"baton_json_{store}_2")
        best = max((rate for rate in (json, two) if rate is not None), default=None)
        limit = raw_limit(by_key, PLAIN_WRITE[store])
        out[f"json_of_raw_limit_{store}"] = _over(best, limit)
        out[f"json_of_raw_limit_{store}_1_worker"] = _over(json, limit)
        out[f"json_of_raw_limit_{store}_2_workers"] = _over(two, limit)
        if store == "postgres":
            out["json_of_raw_arrays"] = _over(best, raw_limit(by_key, *ARRAY_WRITES))
        out[f"json_over_naive_{store}"] = _over(json, by_key.get(f"naive_core_json_{store}"))
        out[f"json_over_naive_plumbing_{store}"] = _over(json, by_key.get(f"naive_plumbing_{store}"))
        out[f"x12_over_naive_{store}"] = _over(
            by_key.get(f"baton_x12_{store}_1"), by_key.get(f"naive_core_x12_{store}")
        )
    for name in ("json_of_raw_limit", "json_over_naive", "json_over_naive_plumbing", "x12_over_naive"):
        out[name] = next((v for s in HEADLINE if (v := out[f"{name}_{s}"]) is not None), None)
    out["worker_rss_4n_over_n"] = _over(by_key.get("worker_rss_4n"), by_key.get("worker_rss_1n"))
    out["ingest_rss_growth"] = _growth(rows)
    out |= dict.fromkeys(NOT_YET)
    left_out = _reasons(rows)
    return out, {name: NOT_YET.get(name, left_out) for name, value in out.items() if value is None}


def raw_limit(by_key: dict[str, float], *wanted: str) -> float | None:
    """The lower of what the broker gives and what the fastest of these writes takes; None unless measured."""
    writes = [by_key[key] for key in wanted if key in by_key]
    consume = by_key.get("raw_consume")
    return min(consume, max(writes)) if consume and writes else None


def _growth(rows: Iterable[Row]) -> float | None:
    """Ingest's peak memory for the largest file over that for the smallest."""
    peaks = [row.value for row in rows if row.key.startswith("ingest_rss_") and row.value]
    return _over(peaks[-1], peaks[0]) if len(peaks) > 1 else None


def _reasons(rows: Iterable[Row]) -> str:
    why = dict.fromkeys(row.left_out for row in rows if row.left_out)
    return "; ".join(why) or "not part of this run"


def _over(value: float | None, base: float | None) -> float | None:
    return round(value / base, 3) if value and base else None
