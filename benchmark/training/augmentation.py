"""Augmentation of image and label together, a whole batch at once on its device.

The maps of flip, zoom, rotation, shift and elastic deformation are composed, including their rules
for positions beyond the slice's edge, so that the slice is interpolated only once.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.data.labels import STRUCTURES
from benchmark.runs.config import Augmentation


def scale_to_unit(images: Tensor) -> Tensor:
    """Scale each image of (N, 1, H, W) to [0, 1] by its own minimum and maximum."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return (images - low) / (high - low).clamp_min(1e-6)


def centre_crop(slices: Tensor, crop: int) -> Tensor:
    """The centre (N, 1, crop, crop) of slices (N, 1, S, S)."""
    top, left = ((size - crop) // 2 for size in slices.shape[-2:])
    return slices[..., top : top + crop, left : left + crop]


def augment(
    images: Tensor,
    labels: Tensor,
    sides: Tensor,
    crop: int,
    settings: Augmentation,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Randomly deform slices, and change their contrast and brightness (protocol, section 3).

    Args:
        images: float (N, 1, S, S).
        labels: uint8 (N, 1, S, S).
        sides: int64 (N, 2), height and width of each padded slice, which lies in the middle of
            its canvas of S × S.
        crop: height and width of the returned slices.
        settings: probabilities and ranges.
        generator: on the device of the images; every draw comes from it.

    Returns:
        Images float (N, 1, crop, crop), each scaled to [0, 1], and labels uint8 of the same shape.
    """
    source = _sampling_positions(images.shape[-1], sides, crop, settings, generator)
    tone = _draw_tone(len(images), settings, generator)
    if settings.contrast_about == "zero":
        images = _tone_about_zero(images, *tone)
    warped, label = _sample(images, labels, source, sides, settings)
    if settings.contrast_about == "mean":
        warped = _tone_about_mean(warped, *tone)
    return scale_to_unit(warped), label


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return low + (high - low) * drawn


def _sampling_positions(
    canvas: int, sides: Tensor, crop: int, settings: Augmentation, generator: torch.Generator
) -> Tensor:
    """The positions in the slice of the crop's pixels: x and y in pixels from the slice's centre.

    A slice goes through flip, affine step, rotation by 45 degrees and elastic step; a position goes
    through their maps in the opposite order. Returns (N, 2, crop, crop).
    """
    count, extent = len(sides), sides.flip(1)  # in the order of x and y
    edge = _edge(sides)
    line = torch.arange(crop, device=sides.device) + (canvas - crop) // 2
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"))
    first = (canvas - extent).div(2, rounding_mode="floor")[:, :, None, None]
    positions = grid - first - edge + _elastic(count, crop, settings, generator)

    lengths = extent if settings.pad else torch.full_like(extent, crop)
    shift = lengths * _uniform(-settings.shift, settings.shift, (count, 2), generator)
    turns = torch.randint(8, (count,), generator=generator, device=sides.device)
    turn = _rotation(45.0 * turns * settings.eighth_turns)
    rotation = _rotation(_uniform(-settings.rotation, settings.rotation, (count,), generator))
    zoom = _uniform(*settings.zoom, (count, 2), generator)
    flipped = _uniform(0, 1, (count, 2), generator) < settings.flip
    if settings.affine_of == "grid":
        affine, moved = rotation * zoom[:, None, :], (rotation @ shift[..., None])[..., 0]
    else:
        affine = rotation / zoom[:, :1, None]
        positions = positions - shift[:, :, None, None]
        moved = torch.zeros_like(shift)
    sign = 1.0 - 2.0 * flipped.float()
    if settings.border == "edge":
        beyond = (positions.abs() - edge).clamp_min(0)
        positions = (positions - 2 * beyond * positions.sign()).clamp(-edge, edge)
        positions = _apply(turn, positions).clamp(-edge, edge)
        positions = _apply(affine, positions, moved).clamp(-edge, edge)
        return positions * sign[:, :, None, None]
    return _apply(sign[:, :, None] * (affine @ turn), positions, sign * moved)


def _edge(sides: Tensor) -> Tensor:
    """Distance of the outermost pixels' centres from the slice's centre, in x and y (N, 2, 1,
    1)."""
    return (sides.flip(1)[:, :, None, None] - 1) / 2


def _rotation(degrees: Tensor) -> Tensor:
    """Rotation matrices (N, 2, 2)."""
    angle = torch.deg2rad(degrees)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).unflatten(1, (2, 2))


def _apply(matrix: Tensor, positions: Tensor, shift: Tensor | None = None) -> Tensor:
    """Matrices (N, 2, 2) times positions (N, 2, H, W), plus shifts (N, 2)."""
    x, y = positions[:, 0], positions[:, 1]
    m = matrix[:, :, :, None, None]
    moved = torch.stack([m[:, 0, 0] * x + m[:, 0, 1] * y, m[:, 1, 0] * x + m[:, 1, 1] * y], dim=1)
    return moved if shift is None else moved + shift[:, :, None, None]


def _elastic(count: int, crop: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """A displacement (N, 2, crop, crop) in pixels: smoothed uniform noise, or 0 where no
    deformation is drawn.

    The noise covers the padded slice; the crop shows its centre.
    """
    device, length = generator.device, settings.pad or crop
    side = max(length, crop)
    noise = _uniform(-1, 1, (count, 2, side, side), generator)
    sigma = length * _uniform(*settings.elastic_sigma, (count, 1, 1), generator)
    strength = length * _uniform(*settings.elastic_strength, (count, 1, 1, 1), generator)
    applied = _uniform(0, 1, (count, 1, 1, 1), generator) < settings.elastic
    # Two matrix products smooth faster than convolutions with a wide Gaussian.
    places = torch.arange(side, device=device, dtype=torch.float32)
    inner = places[(side - crop) // 2 :][:crop]
    gaussian = torch.exp(-((inner[:, None] - places) / sigma).square() / 2)
    offsets = torch.arange(-side, side + 1, device=device, dtype=torch.float32)
    gaussian /= torch.exp(-(offsets / sigma).square() / 2).sum(dim=2, keepdim=True)
    rows = gaussian[:, None]
    return (rows @ noise @ rows.mT) * strength * applied


def _sample(
    images: Tensor, labels: Tensor, source: Tensor, sides: Tensor, settings: Augmentation
) -> tuple[Tensor, Tensor]:
    """Images (bilinear) and labels at positions (N, 2, crop, crop) from the slices' centres."""
    canvas = images.shape[-1]
    edge = _edge(sides)
    first = (canvas - sides.flip(1)).div(2, rounding_mode="floor")[:, :, None, None]
    grid = ((source + first + edge) * (2 / (canvas - 1)) - 1).permute(0, 2, 3, 1)
    inside = (source.abs() <= edge + 0.5).all(dim=1, keepdim=True)
    if settings.labels == "nearest":
        label = F.grid_sample(labels.float(), grid, mode="nearest", align_corners=True)
        warped = F.grid_sample(images, grid, align_corners=True)
    else:
        values = torch.tensor(list(STRUCTURES), device=images.device, dtype=images.dtype)
        values = values[:, None, None]
        layers = torch.cat([images, (labels == values).to(images.dtype)], dim=1)
        sampled = F.grid_sample(layers, grid, padding_mode="border", align_corners=True)
        warped, shares = sampled[:, :1], sampled[:, 1:]
        label = ((shares > 0.5) * values).sum(dim=1, keepdim=True)
    if settings.border == "zero":
        warped, label = warped * inside, label * inside
    return warped, label.to(labels.dtype)


def _draw_tone(
    count: int, settings: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Contrast, brightness, and whether to change them: (N, 1, 1, 1) each."""
    shape = (count, 1, 1, 1)
    contrast = _uniform(*settings.contrast, shape, generator)
    brightness = _uniform(-settings.brightness, settings.brightness, shape, generator)
    return contrast, brightness, _uniform(0, 1, shape, generator) < settings.intensity


def _tone_about_zero(images: Tensor, contrast: Tensor, brightness: Tensor, on: Tensor) -> Tensor:
    """Compute x·c + b, clipped to each image's own range."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    toned = images * contrast + brightness
    return torch.where(on, torch.minimum(torch.maximum(toned, low), high), images)


def _tone_about_mean(images: Tensor, contrast: Tensor, brightness: Tensor, on: Tensor) -> Tensor:
    """Change contrast about the mean, and brightness by a share of the range; clip to the range."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    mean = images.mean((2, 3), keepdim=True)
    toned = (images - mean) * contrast + mean + brightness * (high - low)
    return torch.where(on, torch.minimum(torch.maximum(toned, low), high), images)
