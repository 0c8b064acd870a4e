"""Line charts as SVG, without a plotting library: small, readable in both themes, the same bytes each time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#64748b")

Series = Sequence[tuple[float, float]]


def chart(title: str, across: str, up: str, lines: dict[str, Series], *, logarithmic: bool = True) -> str:
    """An SVG of some named lines; both axes logarithmic, or both from zero."""
    points = [point for line in lines.values() for point in line]
    scale_x = _Scale([x for x, _ in points], (LEFT, WIDTH - RIGHT), logarithmic)
    scale_y = _Scale([y for _, y in points], (HEIGHT - BOTTOM, TOP), logarithmic)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for value in scale_x.ticks:
        x = scale_x(value)
        out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e2e8f0"/>')
        out.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_short(value)}</text>'
        )
    for value in scale_y.ticks:
        y = scale_y(value)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e2e8f0"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [(scale_x(x), scale_y(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        out.append(
            f'<rect x="{LEFT + 12}" y="{TOP + 8 + 18 * number}" width="12" height="4" fill="{colour}"/>'
        )
        out.append(f'<text x="{LEFT + 30}" y="{TOP + 14 + 18 * number}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


class _Scale:
    """Values to pixels, with ticks."""

    def __init__(self, values: Sequence[float], pixels: tuple[float, float], logarithmic: bool) -> None:
        self.logarithmic = logarithmic
        self.pixels = pixels
        if logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            self.low, self.high = low, max(high, low + 1)
            self.ticks = [10.0**power for power in range(self.low, self.high + 1)]
        else:
            step = 10 ** math.floor(math.log10(max(values)))
            if max(values) / step < 2:
                step /= 5
            elif max(values) / step < 5:
                step /= 2
            count = math.ceil(max(values) / step)
            self.low, self.high = 0, count * step
            self.ticks = [step * number for number in range(count + 1)]

    def __call__(self, value: float) -> float:
        place = math.log10(value) if self.logarithmic else value
        share = (place - self.low) / (self.high - self.low)
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])


def _short(value: float) -> str:
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"
