"""Both ventricles, in any phase, and their short-axis cuts."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.phantom.outline import Array, Grid, Outline, draw_wobble

LV, MYO, RV = 1, 2, 3
"""Label values while drawing; they are also those of M&Ms."""

RV_LEAST_WIDTH = 5.0
"""The RV ends where its free wall is closer than this to the septum, mm."""


@dataclass(frozen=True)
class Heart:
    """Both ventricles in one phase. Lengths in mm, angles in rad; depth runs from base to apex."""

    x: float
    y: float
    """Centre of the LV at the base."""
    tilt: tuple[float, float]
    """Shift of the centre from base to apex."""
    base: float
    """Depth of the mitral valve plane; 0 at ED."""
    length: float
    radius: float
    """Radius of the LV blood pool at the base."""
    wall: float
    """Mean thickness of the myocardium at the base."""
    wall_asymmetry: float
    """Relative thickening of the septum over the free wall."""
    septum: float
    """Direction from the LV's centre to the septum; the RV lies there."""
    wobble: tuple[tuple[int, float, float], ...]
    rv_size: float
    """Size of the RV relative to the LV's outer radius; about 1."""
    rv_breadth: float
    """Length of the crescent relative to the LV's outer radius."""
    papillary: tuple[tuple[float, float], ...]
    """Direction from the septum and radius of each papillary muscle."""
    trabeculae: tuple[tuple[float, float], ...]
    """Direction on the RV's free wall, 0 being its middle, and radius of each trabecula."""
    epicardial_fat: float
    """Largest thickness of the fat; there is little over the free wall of the LV."""
    contraction_radius: float
    """LV radius at ES relative to ED."""


def draw_heart(rng: np.random.Generator) -> Heart:
    """A heart at ED, its base centred at most 13 mm from the image's centre."""
    away, direction = 13 * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)
    return Heart(
        x=away * math.cos(direction),
        y=away * math.sin(direction),
        tilt=(rng.uniform(-6, 2), rng.uniform(0, 8)),
        base=0.0,
        length=rng.uniform(42, 50),
        radius=rng.uniform(21, 28),
        wall=rng.uniform(7.5, 11),
        wall_asymmetry=rng.uniform(-0.05, 0.2),
        septum=math.pi + rng.uniform(-0.6, 0.6),
        wobble=draw_wobble(rng, 0.06),
        rv_size=rng.uniform(0.92, 1.12),
        rv_breadth=rng.uniform(1.0, 1.25),
        papillary=(
            (rng.uniform(1.9, 2.5), rng.uniform(2.5, 4.2)),
            (-rng.uniform(1.9, 2.5), rng.uniform(2.5, 4.2)),
        ),
        trabeculae=tuple((rng.uniform(-1.2, 1.2), rng.uniform(1, 2)) for _ in range(4)),
        epicardial_fat=rng.uniform(2, 7),
        contraction_radius=rng.uniform(0.6, 0.78),
    )


def contracted(heart: Heart, contraction: float) -> Heart:
    """Contract the heart of ED by a fraction: 0 leaves it at ED, 1 gives ES.

    The cavity narrows, the base descends towards the apex, and the wall thickens to keep its
    volume.
    """
    radius = heart.radius * (1 - contraction * (1 - heart.contraction_radius))
    descent = 0.1 * contraction * heart.length
    area = (heart.radius + heart.wall) ** 2 - heart.radius**2
    area *= heart.length / (heart.length - descent)
    return replace(
        heart,
        base=heart.base + descent,
        length=heart.length - descent,
        radius=radius,
        wall=math.sqrt(radius**2 + area) - radius,
        rv_size=heart.rv_size * (1 - 0.12 * contraction),
    )


@dataclass(frozen=True)
class Section:
    """A short-axis cut of the ventricles: signed distances, mm, over a grid."""

    endocardium: Array
    epicardium: Array
    rv: Array
    """RV blood pool; the part inside the epicardium is septum. Infinite below the RV's apex."""
    blood_pool: Outline
    rv_pool: Outline


def ventricular_section(heart: Heart, position: float, grid: Grid) -> Section:
    """Cut ``heart`` at ``position`` along its axis: 0 is the base, 1 the apex."""
    x, y = heart.x + position * heart.tilt[0], heart.y + position * heart.tilt[1]
    taper = math.sqrt(1 - (0.94 * position) ** 2)
    radius = heart.radius * taper
    wall = heart.wall * (1 - 0.3 * position)
    blood_pool = Outline(x, y, radius, radius, heart.septum, heart.wobble)
    endocardium = blood_pool.distance(grid)
    east, south = math.cos(heart.septum), math.sin(heart.septum)
    towards_septum = (grid.x - x) * east + (grid.y - y) * south
    cosine = towards_septum / np.maximum(np.hypot(grid.x - x, grid.y - y), 1e-3)
    epicardium = endocardium - wall * (1 + heart.wall_asymmetry * cosine)
    # Its own, quicker taper makes the RV shrink behind the septum before the apex is reached.
    outer = (heart.radius * math.sqrt(taper) + heart.wall) * heart.rv_size
    outer *= math.sqrt(max(0.0, 1 - 0.85 * position**2))
    rv_pool = Outline(
        x + 0.75 * outer * east,
        y + 0.75 * outer * south,
        0.9 * outer,
        heart.rv_breadth * outer,
        heart.septum,
        (*heart.wobble, (3, -0.07, 0.0)),
    )
    rv = rv_pool.distance(grid)
    # End the RV where it hardly emerges from behind the septum, to avoid slivers.
    if 1.65 * outer - radius - wall < RV_LEAST_WIDTH:
        rv[:] = np.inf
    return Section(endocardium, epicardium, rv, blood_pool, rv_pool)


def labels_of(section: Section) -> NDArray[np.uint8]:
    """LV, MYO and RV where the pixel's centre lies in them."""
    label = np.zeros(section.rv.shape, dtype=np.uint8)
    label[section.rv < 0] = RV
    label[section.epicardium < 0] = MYO
    label[section.endocardium < 0] = LV
    return label
