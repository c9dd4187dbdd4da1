"""Bias field, mottling, blur and noise: a stack as a scanner would store it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmark.phantom.body import body_slice, draw_body
from benchmark.phantom.heart import contracted, draw_heart
from benchmark.phantom.outline import Array, Grid, Range, centred_grid
from benchmark.phantom.site import Site
from benchmark.phantom.slices import short_axis_slice
from benchmark.phantom.tissues import draw_tissues

SLICE_DISTANCE: Range = (8.0, 10.0)

SLICES = (5, 6)


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
