#!/usr/bin/python3
"""Draws what a terminal shows as a picture.

    tmux capture-pane -epN | tools/ansi_png.py docs/screenshot.png 12,19

Reads lines of text with SGR sequences, as tmux writes them, and draws each character into its
cell with Pillow and DejaVu Sans Mono (python3-pil, fonts-dejavu-core). Only what our own screen
needs: 16 colours, bold, dim, reverse, wide characters. The two numbers are the cursor's column and
row.
"""
import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
SIZE = 26  # twice the size of most screens' text, for sharp pictures
MARGIN = 28
BACKGROUND = (0x1D, 0x20, 0x26)
FOREGROUND = (0xD6, 0xDA, 0xE0)
COLORS = [
    (0x1D, 0x20, 0x26), (0xE0, 0x6C, 0x75), (0x98, 0xC3, 0x79), (0xD1, 0x9A, 0x66),
    (0x61, 0xAF, 0xEF), (0xC6, 0x78, 0xDD), (0x56, 0xB6, 0xC2), (0xAB, 0xB2, 0xBF),
    (0x6B, 0x72, 0x80), (0xF0, 0x7A, 0x82), (0xB5, 0xE0, 0x90), (0xF0, 0xC6, 0x74),
    (0x82, 0xBE, 0xFF), (0xD7, 0x9B, 0xF0), (0x7F, 0xD5, 0xDF), (0xFF, 0xFF, 0xFF),
]


class Style:
    """What the SGR sequences said so far."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.color = None
        self.bold = self.dim = self.reverse = False

    def apply(self, parameters):
        for word in (parameters or "0").split(";"):
            n = int(word or 0)
            if n == 0:
                self.reset()
            elif n == 1:
                self.bold = True
            elif n == 2:
                self.dim = True
            elif n == 7:
                self.reverse = True
            elif n == 22:
                self.bold = self.dim = False
            elif n == 27:
                self.reverse = False
            elif 30 <= n <= 37:
                self.color = n - 30
            elif 90 <= n <= 97:
                self.color = n - 90 + 8
            elif n == 39:
                self.color = None

    def colors(self):
        """Of the text and of what is behind it."""
        text = FOREGROUND if self.color is None else COLORS[self.color]
        behind = BACKGROUND
        if self.reverse:
            # a bar in its full brightness hurts
            behind = (0x3A, 0x40, 0x4C)
        if self.dim:
            text = tuple((t * 5 + b * 5) // 10 for t, b in zip(text, behind))
        return text, behind


def width_of(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells_of(lines):
    """(row, column, character, text colour, colour behind, bold), wide ones with their width."""
    style = Style()
    for row, line in enumerate(lines):
        column = 0
        for sequence, character in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if not character:
                style.apply(sequence)
                continue
            width = width_of(character)
            yield row, column, width, character, style.colors(), style.bold
            column += width


def box(character):
    """Lines are drawn, not written: they must meet from cell to cell."""
    return {"\u2500": "h", "\u2502": "v"}.get(character)


def draw(lines, cursor):
    fonts = {bold: ImageFont.truetype(FONTS % ("-Bold" if bold else ""), SIZE)
             for bold in (False, True)}
    cell_width = round(fonts[False].getlength("M"))
    cell_height = round(SIZE * 1.42)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    columns = max(sum(width_of(c) for c in line) for line in plain)
    image = Image.new("RGB", (columns * cell_width + 2 * MARGIN,
                              len(lines) * cell_height + 2 * MARGIN), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for row, column, width, character, (text, behind), bold in cells_of(lines):
        x, y = MARGIN + column * cell_width, MARGIN + row * cell_height
        right, below = x + width * cell_width, y + cell_height
        if behind != BACKGROUND:
            # the bar at the top reaches to the edges
            pen.rectangle((x, y, right - 1, below - 1), fill=behind)
        if box(character) == "h":
            pen.rectangle((x, y + cell_height // 2, right - 1, y + cell_height // 2 + 1), fill=text)
        elif box(character) == "v":
            pen.rectangle((x + cell_width // 2, y, x + cell_width // 2 + 1, below - 1), fill=text)
        elif character != " ":
            pen.text((x, y + (cell_height - SIZE) // 2 - 3), character, font=fonts[bold], fill=text)
    x, y = MARGIN + cursor[0] * cell_width, MARGIN + cursor[1] * cell_height
    pen.rectangle((x, y + 4, x + cell_width - 1, y + cell_height - 5), fill=FOREGROUND)
    return image


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    cursor = [int(n) for n in sys.argv[2].split(",")]
    draw(lines, cursor).save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
