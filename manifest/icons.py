"""
Draws the app's two icons; `python -m manifest.icons` writes them into this folder.

The mark is the tick of the playground's icon (playground/page/icon.svg), in its 32 units.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from manifest.png import Picture, write

Point = tuple[float, float]

HERE = Path(__file__).parent
UNITS = 32
COLOR_SIZE, OUTLINE_SIZE = 192, 32  # pixels each way
TICK: tuple[Point, ...] = ((9, 16.8), (13.8, 21.5), (23.5, 11))
TICK_WIDTH = 3.2
LIGHT, DARK, WHITE = (0x7B, 0x83, 0xEB), (0x4F, 0x52, 0xB2), (255, 255, 255)

# The outline's own: lines of whole pixels, for there is no half-transparent pixel to soften them.
SMALL_TICK: tuple[Point, ...] = ((9.5, 16.5), (13.5, 20.5), (22.5, 11.5))
SMALL_TICK_WIDTH = 3.0
FRAME_HALF, FRAME_RADIUS, FRAME_WIDTH = 12.0, 5.0, 2.0


def color() -> Picture:
    """
    Draw the colour icon: the whole square, no corners cut, nothing transparent.

    Teams cuts the shape itself, and keeps the middle 120 of 192 pixels
    (learn.microsoft.com, "Teams app icon for Teams Store and app bar").
    """
    return _draw(COLOR_SIZE, 3, _colour_at)


def outline() -> Picture:
    """
    Draw the outline icon: white, and for the rest nothing.

    A pixel in between is refused at upload: alpha is 255 or 0
    (github.com/MicrosoftDocs/msteams-docs/issues/2132).
    """
    return _draw(OUTLINE_SIZE, 4, _outline_at)


def _draw(size: int, channels: int, pixel_at: Callable[[Point], bytes]) -> Picture:
    centres = [(at + 0.5) * UNITS / size for at in range(size)]
    pixels = (pixel_at((x, y)) for y in centres for x in centres)
    return Picture(size, size, channels, b"".join(pixels))


def _colour_at(point: Point) -> bytes:
    down = sum(point) / (2 * UNITS)  # from the corner at the top left to the one opposite
    away = _from_tick(point, TICK, TICK_WIDTH) * COLOR_SIZE / UNITS
    return bytes(_mixed(_mixed(LIGHT, DARK, down), WHITE, _covered(away)))


def _outline_at(point: Point) -> bytes:
    away = min(_from_frame(point), _from_tick(point, SMALL_TICK, SMALL_TICK_WIDTH))
    return b"\xff\xff\xff\xff" if away <= 0 else b"\xff\xff\xff\x00"


def _mixed(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def _covered(distance: float) -> float:
    """Return how much of a pixel lies inside a shape whose edge is *distance* pixels away."""
    return min(1.0, max(0.0, 0.5 - distance))


def _from_tick(point: Point, corners: tuple[Point, ...], width: float) -> float:
    """Return the distance from a line with round ends; negative inside."""
    return min(_from_stroke(point, *ends) for ends in pairwise(corners)) - width / 2


def _from_stroke(point: Point, start: Point, end: Point) -> float:
    along = (end[0] - start[0], end[1] - start[1])
    offset = (point[0] - start[0], point[1] - start[1])
    share = (offset[0] * along[0] + offset[1] * along[1]) / (along[0] ** 2 + along[1] ** 2)
    share = min(1.0, max(0.0, share))
    return math.hypot(offset[0] - along[0] * share, offset[1] - along[1] * share)


def _from_frame(point: Point) -> float:
    """Return the distance from the line round a square with round corners; negative in the line."""
    x, y = (abs(at - UNITS / 2) - FRAME_HALF + FRAME_RADIUS for at in point)
    edge = math.hypot(max(x, 0), max(y, 0)) + min(max(x, y), 0) - FRAME_RADIUS
    return abs(edge) - FRAME_WIDTH / 2


if __name__ == "__main__":
    (HERE / "color.png").write_bytes(write(color()))
    (HERE / "outline.png").write_bytes(write(outline()))
