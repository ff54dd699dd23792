#!/usr/bin/env python3
"""A terminal's text (stdin) as an SVG picture (stdout), with its colours where they were kept:
tmux capture-pane -e -p | scripts/terminal-svg.py > docs/demo.svg"""
import html
import re
import sys

CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.0, 18, 16
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#76e3ea", "2": "#7d8590", "1": "#ffffff"}
SGR = re.compile(r"\x1b\[([\d;]*)m")


def runs(line):
    """(column, text, colour) of every stretch in one colour; without SGR the line is one."""
    column, foreground, weight, found = 0, None, None, []
    parts = SGR.split(line)
    for i, part in enumerate(parts):
        if i % 2 == 1:
            for code in part.split(";"):
                if code in ("", "0"):
                    foreground = weight = None
                elif code == "39":
                    foreground = None
                elif code in ("1", "2"):
                    weight = COLOURS[code]
                elif code in COLOURS:
                    foreground = COLOURS[code]
        else:
            text = re.sub(r"[\x00-\x1f]", "", part)
            if text.strip():
                found.append((column, text, foreground or weight))
            column += len(text)
    return found


def plain_colour(line):
    return "#ff7b72" if "OPEN" in line else "#7ee787" if "light is on" in line else None


lines = sys.stdin.read().rstrip("\n").split("\n")
width = max(len(SGR.sub("", line)) for line in lines) * CHAR_WIDTH + 2 * MARGIN
height = len(lines) * LINE_HEIGHT + 2 * MARGIN
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img" aria-label="terminal">')
print('<rect width="100%" height="100%" rx="8" fill="#10151c"/>')
print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#d7dde5" xml:space="preserve">')
for i, line in enumerate(lines):
    for column, text, colour in runs(line):
        lead = len(text) - len(text.lstrip())
        text = text.strip()
        colour = colour or plain_colour(line)
        fill = f' fill="{colour}"' if colour else ""
        x, y = MARGIN + (column + lead) * CHAR_WIDTH, MARGIN + (i + 1) * LINE_HEIGHT - 4
        print(f'<text x="{x:.0f}" y="{y}" textLength="{len(text) * CHAR_WIDTH:.0f}"{fill}>{html.escape(text)}</text>')
print("</g></svg>")
