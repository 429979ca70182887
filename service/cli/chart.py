"""A bar chart as a plain SVG picture: no script, no font of its own, readable in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 860
LABEL: Final = 360
ROW: Final = 30
TOP: Final = 56
BAR: Final = 300


def drawn(bars: Sequence[tuple[str, int, str]], title: str) -> str:
    """Bars with a label, a count that gives the length, and a text beside the count."""
    most = max((count for _, count, _ in bars), default=1) or 1
    height = TOP + ROW * max(1, len(bars)) + 20
    rows = []
    for n, (label, count, beside) in enumerate(bars):
        y = TOP + ROW * n
        # Whole pixels: a picture of counts needs no more.
        length = max(2, BAR * count // most)
        rows.append(f'<text x="{LABEL - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        rows.append(f'<rect x="{LABEL}" y="{y}" width="{length}" height="20" rx="3" fill="#3b82c4"/>')
        rows.append(f'<text x="{LABEL + length + 8}" y="{y + 15}">{count} · {escape(beside)}</text>')
    if not bars:
        rows.append(f'<text x="24" y="{TOP + 15}">Nothing would change.</text>')
    name = escape(title)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"',
            f'     viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}"',
            '     font-family="system-ui, sans-serif" font-size="13" fill="#24292f">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="24" y="32" font-size="16" font-weight="600">{name}</text>',
            *rows,
            "</svg>\n",
        ]
    )
