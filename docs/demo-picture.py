#!/usr/bin/env python3
"""Makes docs/src/demo.svg from what the demo prints on a terminal: docs/demo-picture.py COMMAND [ARG ...]

Runs the command on a pseudo-terminal and draws its lines; colours are those of the demo (SGR 1, 31, 32, 33, 90).
"""

import html
import os
import pathlib
import pty
import re
import sys
import textwrap

COLOURS = {"1": "#e6edf3", "31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "90": "#8b949e"}
COLUMNS, LINE, CHAR = 150, 18, 7.8


def lines(command):
    chunks = []

    def read(fd):
        data = os.read(fd, 4096)
        chunks.append(data)
        return data  # also shown as it runs

    status = pty.spawn(command, read)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return b"".join(chunks).decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def pieces(line):
    """Splits a line with escapes into (colour, text)."""
    colour = "#c9d1d9"
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            colour = COLOURS.get(code[1], "#c9d1d9")
        elif part:
            yield colour, part


def fold(line):
    """Long reasons go on below their column."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    if len(plain) <= COLUMNS:
        return [line]
    head, tail = line[: line.index(plain[63:75])], plain[63:]
    wrapped = textwrap.wrap(tail, COLUMNS - 63)
    return [head + wrapped[0]] + [" " * 63 + rest for rest in wrapped[1:]]


def main():
    drawn = [part for line in lines(sys.argv[1:]) for part in fold(line)]
    width, height = int(COLUMNS * CHAR + 40), (len(drawn) + 2) * LINE
    rows = []
    for number, line in enumerate(drawn):
        spans = "".join(
            f'<tspan fill="{colour}">{html.escape(text)}</tspan>' for colour, text in pieces(line)
        )
        rows.append(f'<text x="20" y="{(number + 2) * LINE - 4}" xml:space="preserve">{spans}</text>')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13">\n'
        + "\n".join(rows)
        + "\n</g>\n</svg>\n"
    )
    target = pathlib.Path(__file__).with_name("src") / "demo.svg"
    target.write_text(svg)


main()
