"""Grey levels and labels of a short-axis cut, before it is acquired."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmark.phantom.heart import Heart, Section, labels_of, ventricular_section
from benchmark.phantom.outline import Array, Grid, Outline, coverage, fill, paint
from benchmark.phantom.tissues import Tissues


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
    """Paint dark spots that by convention belong to the blood pools: papillary muscles of the LV in
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
    """Paint left atrium, aortic root and outflow tract above the mitral valve, without labels."""
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
