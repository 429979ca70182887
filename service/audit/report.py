"""The report of an evidence bundle: why an account is where it is, for people, on one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from service.audit.stamps import Stamped

Plain = Mapping[str, Any]

STYLE: Final = """
@page { size: letter; margin: 18mm 16mm; }
body { font: 10.5pt/1.45 Georgia, 'DejaVu Serif', serif; color: #111; max-width: 46em; margin: 2em auto; }
h1 { font-size: 17pt; margin: 0 0 .2em; } h2 { font-size: 12.5pt; margin: 1.6em 0 .3em; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; }
th, td { text-align: left; vertical-align: top; padding: .25em .6em .25em 0; border-bottom: .5pt solid #bbb; }
td.sum, th.sum { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.lead { font-size: 12pt; } .small, code { font-size: 8.5pt; color: #444; overflow-wrap: anywhere; }
tr, p { break-inside: avoid; }
"""


def as_html(told: Plain, disclosed: Plain, stamped: Sequence[Stamped] = ()) -> bytes:
    """The answer to why, as a page; `disclosed` says for what and to whom it goes."""
    title = f"Account {told['account']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="small">As of {_text(told["as_of"])}. For {_text(disclosed["recipient"])}: '
        f"{_text(disclosed['purpose'])}. Confidential: it concerns one patient's account.</p>",
        f'<p class="lead">{_text(told["summary"])}</p>',
        *_case(told),
        *_money(told),
        *_gates(told),
        *_timeline(told),
        "<h2>How to check this</h2>",
        "<p>This page is for reading; the proof is in the other files of the bundle. "
        "<code>python3 verify.py BUNDLE.zip --key HEX</code> checks them on any machine, without Baton.</p>",
        *_stamps(stamped),
        f'<p class="small">Policy {_text(told["decision"]["policy"]["sha256"])}.</p>',
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    page = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{page}\n</body></html>\n'.encode()


def _stamps(stamped: Sequence[Stamped]) -> list[str]:
    if not stamped:
        return []
    rows = [(f"{one.size:,}", one.at, one.authority, _command(one)) for one in stamped]
    return [
        "<h2>Time stamps</h2>",
        "<p>An authority that is not ours says by when the log already stood as it does, up to that many "
        "entries. verify.py checks that each stamp is of the checkpoint beside it, and that this one is "
        "of the log. Whose the stamp is, OpenSSL checks, in the unpacked bundle; ROOTS.pem are the "
        "authority's root certificates, got from the authority itself.</p>",
        _table(("Entries", "By", "Authority", "Command"), rows, sums=(0,)),
    ]


def _command(one: Stamped) -> str:
    """What checks a stamp as of its own instant: the authority's certificate may have run out since."""
    epoch = int(datetime.fromisoformat(one.at).timestamp())
    files = f"-data stamps/{one.seq}.txt -in stamps/{one.seq}.tsr"
    return f"openssl ts -verify {files} -CAfile ROOTS.pem -attime {epoch}"


def _text(value: object) -> str:
    return escape("" if value is None else str(value))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], sums: Iterable[int] = ()) -> str:
    numbers = set(sums)

    def row(cells: Sequence[object], tag: str) -> str:
        made = [
            f"<{tag}{' class=sum' if n in numbers else ''}>{_text(cell)}</{tag}>"
            for n, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(made)}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>\n{body}\n</tbody></table>"


def _places(evidence: Iterable[Plain]) -> str:
    found = [f"{str(e['message'])[:12]} {e.get('where') or ''}".strip() for e in evidence]
    return "; ".join(dict.fromkeys(found))


def _case(told: Plain) -> list[str]:
    case, opening = told.get("case"), told.get("opening")
    if not case:
        return ["<h2>Case</h2>", "<p>This account has never had a collections case.</p>"]
    reason = f": {case['reason_text']}" if case.get("reason_text") else ""
    found = [
        "<h2>Case</h2>",
        f"<p>{_text(case['id'])}: {_text(case['status'])}, {_text(case['amount'])}{_text(reason)}</p>",
    ]
    if opening:
        found.append(f"<p>{_text(opening['sentence'])}</p>")
        rows = [(gate["on"], gate["gate"], gate["before"]) for gate in opening["let_go"]]
        found.append(_table(("Let go on", "Gate", "What stood in the way until then"), rows))
    return found


def _money(told: Plain) -> list[str]:
    steps = [
        (
            s["amount"],
            s["left"],
            f"{s['step']}. {s['why']}" if s.get("why") else s["step"],
            _places(s["evidence"]),
        )
        for s in told["waterfall"]
    ]
    shares = [
        (s["amount"], s["bearer"], s["reason"]["text"], _places(s["evidence"]))
        for s in told["responsibility"]
    ]
    return [
        "<h2>From the charge to what the patient owes</h2>",
        _table(("Amount", "Left", "Step", "Said in message"), steps, sums=(0, 1)),
        f"<h2>Who owes the balance of {_text(told['balance'])} {_text(told['currency'])}</h2>",
        _table(("Amount", "Bearer", "Why", "Said in message"), shares, sums=(0,)),
    ]


def _gates(told: Plain) -> list[str]:
    rows = [
        (
            g["gate"],
            g["verdict"] + (f" until {g['until']}" if g["until"] else ""),
            g["because"],
            g["citation"],
            _places(g["evidence"]),
        )
        for g in told["gates"]
        if g["stage"] == "open_case"
    ]
    head = ("Gate", "Answer", "Because", "Rests on", "Said in message")
    return ["<h2>What each gate said about opening a case</h2>", _table(head, rows)]


def _timeline(told: Plain) -> list[str]:
    rows = [(e["at"][:10], e["what"]) for e in told["timeline"]]
    return ["<h2>What happened, in order</h2>", _table(("When", "What"), rows)]
