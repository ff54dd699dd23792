#!/usr/bin/env python3
"""A terminal's text (stdin) as an SVG picture (stdout): tmux capture-pane -p | scripts/terminal-svg.py > docs/demo.svg"""
import html
import sys

CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.0, 18, 16
lines = sys.stdin.read().rstrip("\n").split("\n")
width = max(len(line) for line in lines) * CHAR_WIDTH + 2 * MARGIN
height = len(lines) * LINE_HEIGHT + 2 * MARGIN
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img" aria-label="terminal">')
print(f'<rect width="100%" height="100%" rx="8" fill="#10151c"/>')
print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#d7dde5" xml:space="preserve">')
for i, line in enumerate(lines):
    if line.strip():
        colour = ' fill="#ff7b72"' if "OPEN" in line else ' fill="#7ee787"' if "light is on" in line else ""
        x, y = MARGIN, MARGIN + (i + 1) * LINE_HEIGHT - 4
        print(f'<text x="{x}" y="{y}" textLength="{len(line.rstrip()) * CHAR_WIDTH:.0f}"{colour}>{html.escape(line.rstrip())}</text>')
print("</g></svg>")
