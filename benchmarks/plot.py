"""Growth plots for the documentation: figures over sizes, both axes logarithmic, drawn as SVG without a library."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from passerby.atomic import write_text

COLOURS = ("#2456c7", "#c5281c", "#1a7f37", "#8a5300", "#6b7482")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 72, 56, 20, 200


def growth_plot(
    target: Path, curves: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, y_label: str
) -> None:
    """Write an SVG of curves; every value must be above 0. A straight line of slope 1 is linear growth.

    Args:
        target: The `.svg` to write.
        curves: For each label, (x, y) points in order.
        x_label: What is varied, with its unit.
        y_label: What was measured, with its unit.
    """
    points = [point for curve in curves.values() for point in curve]
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - y_low) / (y_high - y_low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(y_label)} over {escape(x_label)}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for power in range(x_low, x_high + 1):
        x, y = place(10.0**power, 10.0**y_low)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{y:.1f}" stroke="#dde1e7"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle">{_shown(power)}</text>')
    for power in range(y_low, y_high + 1):
        x, y = place(10.0**x_low, 10.0**power)
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dde1e7"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{_shown(power)}</text>')
    labels: list[tuple[float, str, str]] = []
    for number, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        drawn = [place(*point) for point in curve]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in drawn]
        labels.append((drawn[-1][1], label, colour))
    lowest = -math.inf
    for wanted, label, colour in sorted(labels):
        lowest = max(wanted, lowest + 16)
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{lowest + 4:.1f}" fill="{colour}">{escape(label)}</text>')
    middle = (HEIGHT - BOTTOM + TOP) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>'
    )
    parts.append(
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{escape(y_label)}</text>'
    )
    write_text(target, "\n".join([*parts, "</svg>"]) + "\n")


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _shown(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
