"""The results as a bar chart: SVG, written by hand, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.results import Row

_WIDTH, _LABELS, _RIGHT = 860, 330, 90
_BAR, _GAP, _HEAD, _AXIS = 11, 14, 52, 26
_OURS, _OTHER, _GRID = "#c2410c", "#64748b", "#94a3b855"
_STYLE = "text { fill: #334155 } @media (prefers-color-scheme: dark) { text { fill: #cbd5e1 } }"


def chart(rows: Sequence[Row]) -> str:
    """An SVG document: for each row our time and, below it, the other one's, on a logarithmic scale."""
    scale = _Scale([cost.wall for row in rows for cost in (row.ours, row.other) if cost])
    height = _HEAD + sum(_height(row) for row in rows) + _AXIS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12">',
        f"<style>{_STYLE}</style>",
        *_legend(),
        *_grid(scale, height),
    ]
    top = _HEAD
    for row in rows:
        parts += _bars(row, top, scale)
        top += _height(row)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Scale:
    """Seconds -> x, by powers of ten around all values."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self.low = math.floor(math.log10(min(seconds, default=0.1)))
        self.high = max(math.ceil(math.log10(max(seconds, default=1.0))), self.low + 1)

    def x(self, seconds: float) -> float:
        """The place of `seconds`."""
        share = (math.log10(seconds) - self.low) / (self.high - self.low)
        return _LABELS + share * (_WIDTH - _LABELS - _RIGHT)


def _height(row: Row) -> int:
    return _BAR * (2 if row.other else 1) + _GAP


def _legend() -> Iterator[str]:
    yield f'<rect x="{_LABELS}" y="8" width="12" height="12" fill="{_OURS}"/>'
    yield f'<text x="{_LABELS + 18}" y="18">this project</text>'
    yield f'<rect x="{_LABELS + 120}" y="8" width="12" height="12" fill="{_OTHER}"/>'
    yield f'<text x="{_LABELS + 138}" y="18">what it is compared with (seconds, logarithmic)</text>'


def _grid(scale: _Scale, height: int) -> Iterator[str]:
    for power in range(scale.low, scale.high + 1):
        x = scale.x(10.0**power)
        yield f'<line x1="{x:.1f}" y1="{_HEAD - 14}" x2="{x:.1f}" y2="{height - _AXIS}" stroke="{_GRID}"/>'
        yield f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{10.0**power:g} s</text>'


def _bars(row: Row, top: int, scale: _Scale) -> Iterator[str]:
    label = f"{row.title} ({row.other_name})" if row.other else row.title
    yield f'<text x="{_LABELS - 8}" y="{top + _BAR}" text-anchor="end">{escape(label)}</text>'
    for cost, colour in ((row.ours, _OURS), (row.other, _OTHER)):
        if cost is None:
            continue
        width = scale.x(cost.wall) - _LABELS
        yield f'<rect x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR - 1}" fill="{colour}"/>'
        place = f'x="{_LABELS + width + 5:.1f}" y="{top + _BAR - 2}"'
        yield f'<text {place} font-size="10">{seconds(cost.wall)}</text>'
        top += _BAR


def seconds(value: float) -> str:
    """A time with three significant digits, in seconds or milliseconds."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s" if value < 100 else f"{value:.0f} s"
