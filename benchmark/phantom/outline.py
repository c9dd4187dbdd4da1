"""Closed curves, and functions that paint their insides."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


@dataclass(frozen=True)
class Grid:
    """Pixel centres, mm: ``x`` of shape (columns, 1), ``y`` of shape (1, rows)."""

    x: Array
    y: Array
    pixel: float

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.x.shape[0], self.y.shape[1]

    def near(self, outline: "Outline") -> tuple[slice, slice]:
        """The part of the grid that the inside of ``outline`` can reach."""
        reach = outline.reach + self.pixel
        x_from, x_to = np.searchsorted(self.x[:, 0], (outline.x - reach, outline.x + reach))
        y_from, y_to = np.searchsorted(self.y[0], (outline.y - reach, outline.y + reach))
        return slice(x_from, x_to), slice(y_from, y_to)

    def part(self, window: tuple[slice, slice]) -> "Grid":
        """The grid inside ``window``."""
        return Grid(self.x[window[0]], self.y[:, window[1]], self.pixel)


def centred_grid(shape: tuple[int, int], pixel: float) -> Grid:
    """A grid of ``shape`` whose origin is the centre of the image."""
    x, y = ((np.arange(n, dtype=np.float32) - (n - 1) / 2) * pixel for n in shape)
    return Grid(x[:, None], y[None, :], pixel)


@dataclass(frozen=True)
class Outline:
    """A closed curve: an ellipse with semi-axes ``a`` and ``b`` mm, ``a`` turned by ``angle`` rad.

    ``wobble`` holds harmonics (order, amplitude, phase) that scale its radius by
    1 + Σ amplitude · cos(order · θ + phase).
    """

    x: float
    y: float
    a: float
    b: float
    angle: float = 0.0
    wobble: tuple[tuple[int, float, float], ...] = ()

    @property
    def reach(self) -> float:
        """An upper bound of the distance from the centre to the curve, mm."""
        return max(self.a, self.b) * (1 + sum(abs(amplitude) for _, amplitude, _ in self.wobble))

    def distance(self, grid: Grid) -> Array:
        """Signed distance to the curve, mm, negative inside: exact for a circle, and to first
        order near other curves.
        """
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = (grid.x - self.x) * cos + (grid.y - self.y) * sin
        across = (grid.y - self.y) * cos - (grid.x - self.x) * sin
        u, v = along / self.a, across / self.b
        # Both are 0 at the centre; the bounds keep the distance negative there.
        level = np.maximum(np.hypot(u, v), 1e-6)
        slope = np.maximum(np.hypot(u / self.a, v / self.b), 1e-6 / max(self.a, self.b))
        scale = level / slope
        if self.wobble:
            theta = np.arctan2(v, u)
            radius = np.ones_like(theta)
            for order, amplitude, phase in self.wobble:
                radius += amplitude * np.cos(order * theta + phase)
            level = level / radius
            scale = scale * radius
        return (scale * (level - 1)).astype(np.float32)


def coverage(distance: Array, pixel: float) -> Array:
    """The fraction of a pixel, in [0, 1], that lies inside an edge at a signed distance, mm."""
    return np.clip(0.5 - distance / pixel, 0, 1)


def paint(image: Array, fraction: Array, level: float | Array) -> None:
    """Blend ``level`` into ``image``, in place, where a tissue covers a ``fraction`` of a pixel."""
    image += (level - image) * fraction


def fill(
    image: Array, grid: Grid, outline: Outline, level: float, within: Array | None = None
) -> None:
    """Paint the inside of ``outline``, in place; ``within`` (coverage) confines it."""
    window = grid.near(outline)
    fraction = coverage(outline.distance(grid.part(window)), grid.pixel)
    if within is not None:
        fraction = fraction * within[window]
    paint(image[window], fraction, level)


def draw_wobble(rng: np.random.Generator, amplitude: float) -> tuple[tuple[int, float, float], ...]:
    """Harmonics 2 to 4 of an irregular outline: each at most ``amplitude / order``."""
    return tuple(
        (order, amplitude * rng.uniform(-1, 1) / order, rng.uniform(0, 2 * math.pi))
        for order in (2, 3, 4)
    )
