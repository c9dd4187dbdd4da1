"""The phantom: short-axis cardiac MR stacks from a formula, in the challenges' raw layouts.

RAW/ACDC/training/patient001/...              one site, subjects 001 to 025; the layout of ACDC
RAW/MnMs/mnms.csv, Training/Labeled/CODE/...  three other centres, 8 subjects; the layout of M&Ms
RAW/splits.json                               test subjects and repeats of the single-site set

It shows that the software works from raw files to scores; it says nothing about real hearts.

A subject is a body (fat, chest wall, lungs, abdomen, vessels) around a heart: a left ventricle that
tapers from base to apex inside its myocardium, and a right ventricle on its septal side. Every
outline is a closed curve with a signed distance in millimetres, negative inside. Labels are its
sign at the pixel's centre; images blend tissues over one pixel across it, as partial volume does.
Coordinates are millimetres from the centre of the image, x to the right and y downward when the
first array axis is shown from left to right.

The sites differ in the appearance parameters below, in nothing else: anatomies are drawn alike.
"""

import csv
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.data.nifti import write_volume
from benchmark.files import write_json, write_text
from benchmark.seeding import derive_seed

Array = NDArray[np.float32]
Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


@dataclass(frozen=True)
class Site:
    """How one scanner acquires and what its images look like.

    Grey levels are fractions of ``full_scale``, before gamma, bias field and noise.
    """

    vendor: str
    centre: int
    spacing: Range
    """In-plane pixel size, mm."""
    columns: tuple[int, int]
    rows: tuple[int, int]
    """Least and greatest number of pixels along x and along y."""
    air: float = 0.01
    lung: float = 0.06
    myocardium: float = 0.22
    muscle: float = 0.20
    liver: float = 0.30
    blood: float = 0.72
    fat: float = 0.88
    level_spread: float = 0.07
    """Each tissue's level is multiplied per subject by 1 ± this at most."""
    texture: float = 0.07
    """Relative standard deviation of the smooth mottling inside tissues."""
    bias: float = 0.25
    """Greatest |log| of the smooth random part of the bias field."""
    coil: float = 0.35
    """Fall of the log bias field over 100 mm away from the anterior chest wall."""
    gamma: Range = (0.95, 1.05)
    """Exponent on the grey levels: above 1 darkens mid-grey."""
    blur: Range = (0.5, 0.8)
    """Standard deviation of the point spread, mm."""
    noise: Range = (0.012, 0.022)
    """Standard deviation of the noise of each quadrature channel, fraction of ``full_scale``."""
    full_scale: Range = (500.0, 900.0)
    """Stored intensity of level 1."""


SINGLE_SITE = Site("P", 0, spacing=(1.4, 1.6), columns=(152, 164), rows=(168, 180))
CROSS_SITES = (
    # Fine matrix, flat contrast: brighter myocardium and abdomen, muted blood and fat.
    Site(
        vendor="A",
        centre=1,
        spacing=(1.10, 1.25),
        columns=(192, 204),
        rows=(204, 216),
        lung=0.09,
        myocardium=0.36,
        muscle=0.27,
        liver=0.38,
        blood=0.62,
        fat=0.80,
        bias=0.3,
        coil=0.5,
        gamma=(0.78, 0.9),
        noise=(0.030, 0.042),
        full_scale=(150.0, 250.0),
    ),
    # Coarse matrix, noise, muted fat: only the coil makes it brighter than blood.
    Site(
        vendor="B",
        centre=2,
        spacing=(1.75, 1.90),
        columns=(132, 144),
        rows=(144, 152),
        lung=0.08,
        myocardium=0.30,
        muscle=0.23,
        liver=0.35,
        blood=0.72,
        fat=0.68,
        bias=0.35,
        coil=0.25,
        gamma=(0.95, 1.1),
        blur=(0.9, 1.3),
        noise=(0.030, 0.042),
        full_scale=(900.0, 1400.0),
    ),
    # Hard contrast: bright abdomen, and a coil that leaves the far side dark.
    Site(
        vendor="B",
        centre=3,
        spacing=(1.35, 1.50),
        columns=(168, 176),
        rows=(180, 188),
        lung=0.08,
        myocardium=0.21,
        muscle=0.25,
        liver=0.45,
        blood=0.68,
        fat=0.92,
        bias=0.45,
        coil=0.8,
        gamma=(1.3, 1.6),
        noise=(0.028, 0.040),
        full_scale=(250.0, 450.0),
    ),
)

SUBJECTS = tuple(f"{number:03d}" for number in range(1, 26))
TEST = SUBJECTS[-6:]
REPEATS, TRAIN_SIZE, VALIDATION_SIZE = 3, 10, 3
FRAMES = {"ED": 1, "ES": 9}
LATE_ED = {"020": {"ED": 11, "ES": 4}}
"""As in one test subject of ACDC, the first frame is not ED."""

CROSS_SUBJECTS = tuple(
    (f"PH{number:02d}{site.vendor}{site.centre}", site)
    for number, site in zip(range(1, 9), itertools.cycle(CROSS_SITES), strict=False)
)
CINE = (0.0, 0.6, 1.0, 0.4)
"""Contraction of the frames of a cross-site cine: 0 is end-diastole, 1 end-systole."""
LATE_CINE = {"PH04A1": 1}
"""Subjects whose cine starts this many frames before ED."""
SHEARED = "PH05B2"
"""Its direction cosines are not quite orthonormal, as in some M&Ms headers."""

LV, MYO, RV = 1, 2, 3
"""Label values while drawing; they are also those of M&Ms."""
ACDC_VALUES = np.array([0, 3, 2, 1], dtype=np.uint8)
"""ACDC's value of background, LV, MYO and RV."""

RV_LEAST_WIDTH = 5.0
"""The RV ends where its free wall comes this near to the septum, mm."""
SLICE_DISTANCE: Range = (8.0, 10.0)
SLICES = (5, 6)


# Outlines


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
        # Both vanish at the centre; the bounds keep the distance there negative.
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


# Anatomy


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
    """Of the LV blood pool at the base."""
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
    """Greatest thickness; there is little over the free wall of the LV."""
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
    """The heart of ED, contracted by a fraction: 0 leaves it at ED, 1 gives ES.

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
    # Where it hardly emerges from behind the septum it has ended, rather than left slivers.
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


# Tissues


@dataclass(frozen=True)
class Tissues:
    """Grey levels of one subject, as fractions of full scale."""

    air: float
    lung: float
    myocardium: float
    muscle: float
    liver: float
    blood: float
    fat: float


def draw_tissues(rng: np.random.Generator, site: Site) -> Tissues:
    """The site's grey levels, each varied by its ``level_spread``, after its gamma."""
    gamma = rng.uniform(*site.gamma)

    def level(typical: float) -> float:
        return float((typical * rng.uniform(1 - site.level_spread, 1 + site.level_spread)) ** gamma)

    return Tissues(
        air=level(site.air),
        lung=level(site.lung),
        myocardium=level(site.myocardium),
        muscle=level(site.muscle),
        liver=level(site.liver),
        blood=level(site.blood),
        fat=level(site.fat),
    )


@dataclass(frozen=True)
class Body:
    """What lies around the heart, the same in every phase. Lengths in mm."""

    torso: Outline
    cage: Outline
    """Inner edge of the subcutaneous fat."""
    cavity: Outline
    """Inner edge of the chest wall."""
    abdomen: Outline
    """The dome under the diaphragm; reaches beyond the image."""
    rise: float
    """By how much the dome stands higher at the apex than at the base."""
    stomach: Outline
    fat_pad: Outline
    """Between heart, diaphragm and chest wall."""
    aorta: Outline
    arm: Outline | None


def draw_body(rng: np.random.Generator, heart: Heart) -> Body:
    """A body around ``heart``: the chest wall on the left, the diaphragm below, lung elsewhere."""
    fat, wall = rng.uniform(8, 17), rng.uniform(5, 9)
    rv_reach = 1.65 * heart.rv_size * (heart.radius + heart.wall)
    front, back = rv_reach + fat + wall + rng.uniform(0, 8), rng.uniform(95, 122)
    x, y = heart.x + (back - front) / 2, heart.y + rng.uniform(12, 30)
    a, b = (front + back) / 2, rng.uniform(132, 155)
    # The fourth harmonic makes the ellipse squarer, as a chest is.
    square = (4, 0.045, math.pi)
    torso = Outline(x, y, a, b, rng.uniform(-0.1, 0.2), (*draw_wobble(rng, 0.06), square))
    cage = replace(torso, a=a - fat, b=b - fat, wobble=(*draw_wobble(rng, 0.06), square))
    cavity = replace(cage, a=cage.a - wall, b=cage.b - wall)
    arm = None
    if rng.uniform() < 0.5:
        arm = Outline(
            x + a + rng.uniform(-8, 8), y - b + rng.uniform(10, 30), 24, 38, rng.uniform(-0.7, -0.2)
        )
    below = heart.y + heart.radius + heart.wall
    return Body(
        torso=torso,
        cage=cage,
        cavity=cavity,
        abdomen=Outline(
            heart.x + rng.uniform(-30, 10),
            below + rng.uniform(104, 112),
            rng.uniform(125, 155),
            110,
            rng.uniform(-0.15, 0.3),
            draw_wobble(rng, 0.04),
        ),
        rise=rng.uniform(0, 8),
        stomach=Outline(
            heart.x + rng.uniform(10, 45),
            below + rng.uniform(32, 48),
            rng.uniform(12, 24),
            rng.uniform(8, 14),
            rng.uniform(-0.6, 0.6),
            draw_wobble(rng, 0.2),
        ),
        fat_pad=Outline(
            heart.x - rng.uniform(38, 55),
            below - rng.uniform(-6, 8),
            rng.uniform(14, 26),
            rng.uniform(6, 12),
            rng.uniform(-0.6, 0.2),
            draw_wobble(rng, 0.2),
        ),
        aorta=Outline(heart.x + rng.uniform(58, 70), heart.y + rng.uniform(32, 45), 10, 11),
        arm=arm,
    )


def scattered(
    rng: np.random.Generator, count: int, around: Outline, size: Range
) -> Iterator[Outline]:
    """``count`` ellipses placed evenly inside ``around``, semi-axes in ``size`` mm."""
    for _ in range(count):
        away, theta = 0.9 * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)
        yield Outline(
            around.x + away * around.a * math.cos(theta),
            around.y + away * around.b * math.sin(theta),
            rng.uniform(*size),
            rng.uniform(*size),
            rng.uniform(0, math.pi),
        )


def body_slice(
    rng: np.random.Generator, body: Body, tissues: Tissues, position: float, grid: Grid
) -> Array:
    """The body without its heart at ``position`` (0 base, 1 apex), as grey levels.

    Drawn per slice: vessels in the lung, organs and fat in the abdomen.
    """
    image = np.full(grid.shape, tissues.air, dtype=np.float32)
    if body.arm is not None:
        fill(image, grid, body.arm, tissues.fat)
        fill(image, grid, replace(body.arm, a=body.arm.a - 7, b=body.arm.b - 7), tissues.muscle)
    torso = coverage(body.torso.distance(grid), grid.pixel)
    paint(image, torso, tissues.fat)
    paint(image, torso * coverage(body.cage.distance(grid), grid.pixel), tissues.muscle)
    cavity = torso * coverage(body.cavity.distance(grid), grid.pixel)
    paint(image, cavity, tissues.lung)
    for vessel in scattered(rng, 30, body.cavity, (0.8, 2.4)):
        fill(image, grid, vessel, rng.uniform(0.3, 0.8) * tissues.blood, within=cavity)

    dome = replace(body.abdomen, y=body.abdomen.y - body.rise * position)
    under = dome.distance(grid)
    abdomen = cavity * coverage(under, grid.pixel)
    paint(image, abdomen, tissues.liver)
    viscera = replace(dome, y=dome.y - 55, a=85, b=50, wobble=())
    for organ in scattered(rng, 12, viscera, (5, 16)):
        level = rng.uniform(0.5, 1.6) * tissues.liver
        fill(image, grid, organ, level, within=abdomen)
    for fat in scattered(rng, 7, viscera, (2, 7)):
        fill(image, grid, fat, 0.8 * tissues.fat, within=abdomen)
    for vessel in scattered(rng, 8, viscera, (1.2, 4)):
        fill(image, grid, vessel, tissues.blood, within=abdomen)
    stomach = replace(body.stomach, y=body.stomach.y - body.rise * position)
    fill(image, grid, stomach, 0.5 * (tissues.lung + tissues.muscle), within=abdomen)
    fill(image, grid, body.fat_pad, 0.75 * tissues.fat, within=cavity)
    # The diaphragm itself is a thin muscle.
    paint(image, cavity * coverage(np.abs(under) - np.float32(1), grid.pixel), tissues.muscle)
    around_aorta = replace(body.aorta, a=body.aorta.a + 2, b=body.aorta.b + 2)
    fill(image, grid, around_aorta, tissues.muscle, within=cavity)
    fill(image, grid, body.aorta, 0.95 * tissues.blood, within=cavity)
    return image


def paint_ventricles(image: Array, grid: Grid, heart: Heart, tissues: Tissues, s: Section) -> None:
    """Draw a section of the ventricles into the body, from the outside inward."""
    pixel, free_wall = grid.pixel, 2.5
    outside = np.minimum(s.epicardium, s.rv - free_wall)
    x, y = s.blood_pool.x, s.blood_pool.y
    # Fat gathers in the grooves, where the RV meets the LV.
    bearing = np.arctan2(grid.y - y, grid.x - x) - heart.septum
    fat = heart.epicardial_fat * (0.1 + 0.9 * np.sin(bearing) ** 2) * (0.6 + 0.4 * np.cos(bearing))
    paint(image, coverage(outside - fat - 1.0, pixel), tissues.muscle)
    paint(image, coverage(outside - fat, pixel), 0.8 * tissues.fat)
    paint(image, coverage(outside, pixel), tissues.myocardium)
    paint(image, coverage(s.rv, pixel), 0.92 * tissues.blood)
    paint(image, coverage(s.epicardium, pixel), tissues.myocardium)
    paint(image, coverage(s.endocardium, pixel), tissues.blood)


def paint_muscles_in_blood(
    image: Array, grid: Grid, heart: Heart, tissues: Tissues, s: Section, position: float
) -> None:
    """Dark spots that by convention belong to the blood pools: papillary muscles of the LV in
    mid-ventricular slices, and trabeculae along the RV's free wall.
    """
    rv_blood = np.minimum(coverage(s.rv, grid.pixel), coverage(-s.epicardium, grid.pixel))
    for bearing, size in heart.trabeculae:
        along = 0.88 * s.rv_pool.a * math.cos(bearing), 0.88 * s.rv_pool.b * math.sin(bearing)
        east, south = math.cos(s.rv_pool.angle), math.sin(s.rv_pool.angle)
        x = s.rv_pool.x + along[0] * east - along[1] * south
        y = s.rv_pool.y + along[0] * south + along[1] * east
        spot = Outline(x, y, size, 1.5 * size, heart.septum + bearing)
        fill(image, grid, spot, 1.5 * tissues.myocardium, within=rv_blood)
    if not 0.25 < position < 0.85:
        return
    for bearing, size in heart.papillary:
        size = min(size, 0.22 * s.blood_pool.a)
        away, theta = s.blood_pool.a - 1.3 * size, heart.septum + bearing
        x, y = s.blood_pool.x + away * math.cos(theta), s.blood_pool.y + away * math.sin(theta)
        muscle = Outline(x, y, 1.2 * size, 0.9 * size, theta)
        fill(image, grid, muscle, 1.1 * tissues.myocardium)


def paint_great_vessels(image: Array, grid: Grid, heart: Heart, tissues: Tissues) -> None:
    """Above the mitral valve: left atrium, aortic root and outflow tract, without labels."""
    east, south = math.cos(heart.septum), math.sin(heart.septum)
    size = heart.radius + 0.5 * heart.wall
    atrium = Outline(
        heart.x - 0.3 * size * east,
        heart.y - 0.3 * size * south,
        0.9 * size,
        1.05 * size,
        heart.septum,
        heart.wobble,
    )
    root = Outline(heart.x + 0.6 * size * east, heart.y + 0.6 * size * south, 13, 14)
    tract = Outline(
        heart.x + size * (1.35 * east + 0.4 * south),
        heart.y + size * (1.35 * south - 0.4 * east),
        0.5 * size,
        0.95 * size,
        heart.septum,
        heart.wobble,
    )
    vessels = (tract, atrium, root)
    for margin, level in (
        (0.4 * heart.epicardial_fat + 3, 0.7 * tissues.fat),
        (2.0, tissues.muscle),
    ):
        for vessel in vessels:
            wider = replace(vessel, a=vessel.a + margin, b=vessel.b + margin)
            fill(image, grid, wider, level)
    for vessel, share in zip(vessels, (0.85, 0.8, 0.95), strict=True):
        fill(image, grid, replace(vessel, a=vessel.a + 2, b=vessel.b + 2), tissues.muscle)
        fill(image, grid, vessel, share * tissues.blood)


def short_axis_slice(
    body: Array, heart: Heart, tissues: Tissues, depth: float, grid: Grid
) -> tuple[Array, NDArray[np.uint8]]:
    """The grey levels and labels of a cut ``depth`` mm below the base of ED.

    Above the base and beyond the apex the labels are empty.
    """
    image, label = body.copy(), np.zeros(grid.shape, dtype=np.uint8)
    position = (depth - heart.base) / heart.length
    if position < 0:
        paint_great_vessels(image, grid, heart, tissues)
    elif position <= 1:
        window = grid.near(Outline(heart.x, heart.y, 95, 95))
        near, seen = grid.part(window), image[window]
        section = ventricular_section(heart, position, near)
        paint_ventricles(seen, near, heart, tissues, section)
        paint_muscles_in_blood(seen, near, heart, tissues, section, position)
        label[window] = labels_of(section)
    else:
        tip = Outline(heart.x + heart.tilt[0], heart.y + heart.tilt[1], 9, 7)
        fill(image, grid, tip, tissues.muscle)
    return image, label


# Acquisition


def bias_field(rng: np.random.Generator, site: Site, grid: Grid, chest: float) -> Array:
    """A smooth multiplicative field, drawn once per subject: coil sensitivity times a random part.

    The coil lies at x = ``chest`` mm. The log of the random part is a cubic polynomial with
    coefficients in [-1, 1], scaled to at most ``site.bias``.
    """
    half = [np.abs(axis).max() for axis in (grid.x, grid.y)]
    u, v = grid.x / half[0], grid.y / half[1]
    log = np.zeros(grid.shape, dtype=np.float32)
    for i, j in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)):
        log += rng.uniform(-1, 1) * u**i * v**j
    log *= site.bias / np.abs(log).max()
    log -= site.coil * (np.maximum(grid.x - chest, 0) / 100 - 0.7)
    field: Array = np.exp(log)
    return field


def mottling(rng: np.random.Generator, grid: Grid, strength: float) -> Array:
    """A factor of mean 1 and standard deviation ``strength``, smooth over about 3 mm."""
    pattern = ndimage.gaussian_filter(
        rng.standard_normal(grid.shape, dtype=np.float32), 3 / grid.pixel, mode="wrap", truncate=3
    )
    factor: Array = 1 + strength * pattern / pattern.std()
    return factor


def rician_noise(rng: np.random.Generator, image: Array, sigma: float) -> Array:
    """The magnitude of ``image`` with Gaussian noise ``sigma`` in both quadrature channels."""
    real = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(image.shape, dtype=np.float32)
    magnitude: Array = np.hypot(real, imaginary)
    return magnitude


@dataclass(frozen=True)
class Stack:
    """The frames of one subject: image int16 and label uint8, each (frame, x, y, slice)."""

    image: NDArray[np.int16]
    label: NDArray[np.uint8]
    spacing: tuple[float, float, float]


def short_axis_stack(
    rng: np.random.Generator, site: Site, contractions: tuple[float, ...]
) -> Stack:
    """Draw a subject and acquire it at ``site``, one frame per contraction (0 is ED, 1 is ES).

    Drawn once per subject: heart, body, grey levels, matrix, spacing, slice positions, bias field,
    blur, noise level and intensity scale. Drawn per slice: vessels and mottling. Drawn per frame
    and slice: noise.
    """
    heart = draw_heart(rng)
    body = draw_body(rng, heart)
    tissues = draw_tissues(rng, site)
    pixel = round(rng.uniform(*site.spacing), 4)
    shape = tuple(
        int(rng.integers(low, high, endpoint=True)) for low, high in (site.columns, site.rows)
    )
    distance = round(rng.uniform(*SLICE_DISTANCE), 1)
    count = min(max(math.ceil(heart.length / distance), SLICES[0]), SLICES[1])
    first = distance * rng.uniform(-0.3, 0.3)
    depths = [first + number * distance for number in range(count)]

    grid = centred_grid((shape[0], shape[1]), pixel)
    bias = bias_field(rng, site, grid, body.torso.x - body.torso.a)
    blur = rng.uniform(*site.blur) / pixel
    noise, full_scale = rng.uniform(*site.noise), rng.uniform(*site.full_scale)
    bodies = [body_slice(rng, body, tissues, depth / heart.length, grid) for depth in depths]
    factors = [bias * mottling(rng, grid, site.texture) for _ in depths]

    size = (len(contractions), *grid.shape, count)
    image, label = np.empty(size, dtype=np.int16), np.empty(size, dtype=np.uint8)
    for frame, contraction in enumerate(contractions):
        beating = contracted(heart, contraction)
        for number, depth in enumerate(depths):
            levels, mask = short_axis_slice(bodies[number], beating, tissues, depth, grid)
            sharp = levels * factors[number]
            seen = rician_noise(rng, ndimage.gaussian_filter(sharp, blur, truncate=3), noise)
            image[frame, :, :, number] = np.rint(seen * full_scale)
            label[frame, :, :, number] = mask
    return Stack(image, label, (pixel, pixel, distance))


# Raw layouts


def write_acdc_subject(training: Path, subject: str, seed: int) -> None:
    """Write one single-site subject as ACDC does: ED, ES, their labels, and ``Info.cfg``."""
    rng = np.random.default_rng(derive_seed("phantom", seed, "single-site", subject))
    stack = short_axis_stack(rng, SINGLE_SITE, (0.0, 1.0))
    frames = LATE_ED.get(subject, FRAMES)
    affine = np.diag([-stack.spacing[0], -stack.spacing[1], stack.spacing[2], 1.0])
    folder = training / f"patient{subject}"
    for index, number in enumerate((frames["ED"], frames["ES"])):
        stem = f"patient{subject}_frame{number:02d}"
        write_volume(folder / f"{stem}.nii.gz", stack.image[index], affine)
        write_volume(folder / f"{stem}_gt.nii.gz", ACDC_VALUES[stack.label[index]], affine)
    write_text(
        folder / "Info.cfg",
        f"ED: {frames['ED']}\nES: {frames['ES']}\nGroup: PHANTOM\n"
        f"Height: {rng.uniform(155, 190):.1f}\nNbFrame: {max(frames.values()) + 5}\n"
        f"Weight: {rng.uniform(50, 100):.1f}\n",
    )


def oblique_affine(
    rng: np.random.Generator, spacing: tuple[float, float, float], sheared: bool
) -> NDArray[np.float64]:
    """An affine (4 × 4, mm) that turns the stack into a double-oblique short-axis position.

    Its direction cosines are orthonormal, unless ``sheared``: then they are so to 0.5 % only.
    """
    directions = -np.eye(3)
    for first, second, angle in ((0, 1, 0.5), (1, 2, 0.7), (0, 2, 0.4)):
        theta = angle * rng.uniform(0.7, 1.3)
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = math.cos(theta)
        turn[first, second], turn[second, first] = -math.sin(theta), math.sin(theta)
        directions = directions @ turn
    if sheared:
        directions[:, 0] += 0.005 * directions[:, 1]
        directions /= np.linalg.norm(directions, axis=0)
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = rng.uniform(-100, 100, size=3).round(2)
    return affine


def write_mnms_subject(labelled: Path, code: str, site: Site, seed: int) -> tuple[int, int]:
    """Write one cross-site subject as M&Ms does: a cine, labelled at ED and ES only.

    Returns:
        The frames of ED and ES, from 0.
    """
    rng = np.random.default_rng(derive_seed("phantom", seed, "cross-site", code))
    start = LATE_CINE.get(code, 0)
    cine = tuple(np.roll(CINE, start).tolist())
    stack = short_axis_stack(rng, site, cine)
    ed, es = cine.index(0.0), cine.index(1.0)
    label = np.zeros_like(stack.label)
    label[[ed, es]] = stack.label[[ed, es]]
    affine = oblique_affine(rng, stack.spacing, sheared=code == SHEARED)
    stem = labelled / code / f"{code}_sa"
    write_volume(stem.with_name(f"{code}_sa.nii.gz"), np.moveaxis(stack.image, 0, -1), affine)
    write_volume(stem.with_name(f"{code}_sa_gt.nii.gz"), np.moveaxis(label, 0, -1), affine)
    return ed, es


def phantom_splits(seed: int) -> dict[str, object]:
    """Test subjects, and per repeat the training and validation subjects drawn from the others."""
    pool = [subject for subject in SUBJECTS if subject not in TEST]
    repeats = {}
    for repeat in range(REPEATS):
        rng = np.random.default_rng(derive_seed("phantom", seed, "split", repeat))
        drawn = rng.permutation(pool).tolist()[: TRAIN_SIZE + VALIDATION_SIZE]
        repeats[str(repeat)] = {
            "train": sorted(drawn[:TRAIN_SIZE]),
            "validation": sorted(drawn[TRAIN_SIZE:]),
            "dropped_from_validation": [],
        }
    return {"source": f"phantom, seed {seed}", "test": list(TEST), "repeats": repeats}


def write_phantom(
    raw: Path, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write the phantom's two sets and its splits into ``raw``; the same seed, the same bytes.

    Each subject has a random stream of its own, so that adding one changes no other.
    ``progress`` is called after each subject with the number done and the number in all.
    """
    total = len(SUBJECTS) + len(CROSS_SUBJECTS)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    for done, subject in enumerate(SUBJECTS, start=1):
        write_acdc_subject(raw / "ACDC" / "training", subject, seed)
        report(done)
    rows: list[tuple[object, ...]] = [("External code", "Vendor", "Centre", "ED", "ES")]
    for done, (code, site) in enumerate(CROSS_SUBJECTS, start=len(SUBJECTS) + 1):
        ed, es = write_mnms_subject(raw / "MnMs" / "Training" / "Labeled", code, site, seed)
        rows.append((code, site.vendor, site.centre, ed, es))
        report(done)
    with (raw / "MnMs" / "mnms.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    write_json(raw / "splits.json", phantom_splits(seed))
