"""The body around the heart."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmark.phantom.heart import Heart
from benchmark.phantom.outline import (
    Array,
    Grid,
    Outline,
    Range,
    coverage,
    draw_wobble,
    fill,
    paint,
)
from benchmark.phantom.tissues import Tissues


@dataclass(frozen=True)
class Body:
    """The body around the heart, the same in every phase. Lengths in mm."""

    torso: Outline
    cage: Outline
    """Inner edge of the subcutaneous fat."""
    cavity: Outline
    """Inner edge of the chest wall."""
    abdomen: Outline
    """The dome under the diaphragm; reaches beyond the image."""
    rise: float
    """Height of the dome at the apex above its height at the base."""
    stomach: Outline
    fat_pad: Outline
    """Fat between heart, diaphragm and chest wall."""
    aorta: Outline
    arm: Outline | None


def draw_body(rng: np.random.Generator, heart: Heart) -> Body:
    """Draw a body around ``heart``: the chest wall on the left, the diaphragm below, lung
    elsewhere."""
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
    """Draw ``count`` ellipses, uniformly placed inside ``around``, with semi-axes in ``size``
    mm."""
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
    # The diaphragm is a thin muscle.
    paint(image, cavity * coverage(np.abs(under) - np.float32(1), grid.pixel), tissues.muscle)
    around_aorta = replace(body.aorta, a=body.aorta.a + 2, b=body.aorta.b + 2)
    fill(image, grid, around_aorta, tissues.muscle, within=cavity)
    fill(image, grid, body.aorta, 0.95 * tissues.blood, within=cavity)
    return image
