"""The report as one page that stands by itself: no script, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
padding: .35rem .7rem .35rem 0; border-bottom: 1px solid #8884; } th { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { background: #8881; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere;
border-radius: 6px; }
.mark { font-weight: 600; white-space: nowrap; } .found { color: #18794e; } .partly { color: #9a6700; }
.missing { color: #b42318; } .quiet { opacity: .75; } .verdict { font-size: 1.1rem; margin: .4rem 0 0; }
@media (prefers-color-scheme: dark) { .found { color: #4cc38a; } .partly { color: #e5b454; }
.missing { color: #ff8a7a; } }
"""
NUMBERS: Final = frozenset({"times", "accounts", "decisions"})
MARKS: Final = {"found": "✓ found", "partly": "! partly", "missing": "✗ missing"}


def page_of(told: dict[str, Any]) -> str:
    """The page of a report as plain data."""
    title = escape(f"Feed {told['feed']}: what its samples say")
    ready = told["ready"]
    verdict = "These samples flow." if ready else "Not yet: see what to write, below."
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="verdict {"found" if ready else "partly"}">{verdict}</p>',
        f'<p class="quiet">{_files(told["files"])} ({_counts(told["formats"])}); mapping '
        f"<code>{escape(told['mapping'][:12])}</code></p>",
        _needs(told["needs"]),
        _suggested(told["suggested"]),
        _unknown(told["unknown_codes"], told["codes_not_in_policy"]),
        _first_day(told["first_day"]),
        _section("What did not fit", _findings(told["findings"])),
        _section("Strict advice (keeps nothing out)", _findings(told["advice"])),
        _section("Payers", _table(("payer id", "decisions"), told["payers"].items())),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _needs(needs: Sequence[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td>{escape(one["need"])}</td><td class="mark {one["state"]}">{MARKS[one["state"]]}</td>'
        f"<td>{_places(one)}</td><td>{escape(one['lack'])}</td></tr>"
        for one in needs
    )
    head = "<tr><th>Baton needs</th><th></th><th>found in</th><th>what a lack holds up</th></tr>"
    return f"<h2>What Baton needs</h2><table>{head}{rows}</table>"


def _places(need: dict[str, Any]) -> str:
    said = [f"{f['field']}: {f['filled']} of {f['of']}" for f in need["fields"]]
    if need["facts"]:
        said.append(f"{need['facts']} facts")
    return "<br>".join(map(escape, said))


def _suggested(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    said = "Paste this into the feed's file. A line after # needs your choice first."
    return f"<h2>What to write</h2><p>{said}</p><pre>{escape(chr(10).join(lines))}</pre>"


def _unknown(codes: Sequence[dict[str, Any]], policy: dict[str, dict[str, int]]) -> str:
    rows = [(u["field"], u["code"], u["count"]) for u in codes]
    rows += [(f"{name}, not in the policy", code, n) for name, c in policy.items() for code, n in c.items()]
    return _section("Codes nobody has explained yet", _table(("field", "code", "times"), rows))


def _first_day(day: dict[str, Any]) -> str:
    summary = (
        f"<p>{_counts(day['messages']) or 'no messages'}; {day['accounts']} accounts. "
        f"Responsibility: {_counts(day['determinations']) or 'none'}. "
        f"Opening a case: {_counts(day['open_case']) or 'none'}.</p>"
    )
    gates = [(g["gate"], g["verdict"], g["accounts"]) for g in day["gates"]]
    held = _table(("gate", "verdict", "accounts"), gates)
    return f"<h2>What the first day would look like</h2>{summary}{held}"


def _findings(kinds: Sequence[dict[str, Any]]) -> str:
    rows = [(k["severity"], k["code"], k["count"], k["message"], k["where"]) for k in kinds]
    return _table(("", "code", "times", "what it says", "first at"), rows)


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}" if body else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    made = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{cell}</td>' if isinstance(cell, int) else f"<td>{escape(str(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in rows
    )
    head = "".join(
        f'<th class="n">{escape(name)}</th>' if name in NUMBERS else f"<th>{escape(name)}</th>"
        for name in heads
    )
    return f"<table><tr>{head}</tr>{made}</table>" if made else ""


def _counts(counts: dict[str, int]) -> str:
    return escape(", ".join(f"{n} {name}" for name, n in counts.items()))
