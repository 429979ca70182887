"""Draws what a terminal showed as an SVG, so that pictures of commands come from real output.

script -qec "baton why A1" /dev/null | python terminal.py "baton why A1" > why.svg
"""

from __future__ import annotations

import re
import sys
from html import escape
from typing import Final

COLUMN: Final = 8.43
LINE: Final = 19
MARGIN: Final = 18
BAR: Final = 38
COLUMNS: Final = 100

COLORS: Final = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#56d4dd"}
STYLE: Final = re.compile(r"\x1b\[([0-9;]*)m")


def spans(line: str) -> list[tuple[str, str]]:
    """The pieces of one line with the SVG attributes of each."""
    pieces, fill, bold, dim = [], "", False, False
    parts = STYLE.split(line)
    for position, part in enumerate(parts):
        if position % 2:
            for code in part.split(";"):
                if code in COLORS:
                    fill = COLORS[code]
                elif code == "1":
                    bold = True
                elif code == "2":
                    dim = True
                elif code in ("0", ""):
                    fill, bold, dim = "", False, False
                elif code == "22":
                    bold = dim = False
        elif part:
            look = f' fill="{fill}"' if fill else ' fill="#8b949e"' if dim else ""
            pieces.append((part, look + (' font-weight="700"' if bold else "")))
    return pieces


def drawn(lines: list[str], title: str) -> str:
    """The whole picture."""
    width = round(COLUMNS * COLUMN + 2 * MARGIN)
    height = BAR + LINE * len(lines) + MARGIN + 6
    rows = []
    for number, line in enumerate(lines):
        y = BAR + LINE * (number + 1)
        text = "".join(f"<tspan{look}>{escape(part)}</tspan>" for part, look in spans(line))
        if text:
            rows.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{text}</text>')
    dots = "".join(
        f'<circle cx="{MARGIN + 4 + 20 * n}" cy="19" r="6" fill="{color}"/>'
        for n, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    name = escape(title)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}"',
            f'     font-family="{fonts}" font-size="14" fill="#e6edf3">',
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" fill="#0d1117"',
            '      stroke="#6e7681"/>',
            dots,
            f'<text x="{width / 2}" y="24" text-anchor="middle" fill="#8b949e" font-size="13">{name}</text>',
            *rows,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    said = sys.stdin.read().replace("\r", "").rstrip("\n").split("\n")
    sys.stdout.write(drawn(said, sys.argv[1]))
