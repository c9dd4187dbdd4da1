"""Augmentation of image and label together, a whole batch at once on its device.

The parameters are drawn here, from a generator of the step's own; kornia applies them. Flip,
rotation, shift, zoom and elastic deformation are composed into one sampling of the slice, so that
it is interpolated once.
"""

import torch
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import get_affine_matrix2d, remap
from torch import Tensor

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
    crop: int,
    settings: Augmentation,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Randomly deformed and re-toned slices (protocol, section 3).

    Args:
        images: float (N, 1, S, S).
        labels: uint8 (N, 1, S, S).
        crop: height and width of what is returned.
        settings: probabilities and ranges.
        generator: on the device of the images; every draw comes from it.

    Returns:
        Images float (N, 1, crop, crop), each scaled to [0, 1], and labels uint8 alike. What lies
        outside the slice is 0.
    """
    x, y = _sampling_positions(images, crop, settings, generator)
    warped = remap(images, x, y, mode="bilinear", align_corners=True)
    label = remap(labels.float(), x, y, mode="nearest", align_corners=True)
    return scale_to_unit(_retone(warped, settings, generator)), label.to(labels.dtype)


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return low + (high - low) * drawn


def _sampling_positions(
    images: Tensor, crop: int, settings: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Where the crop's pixels are read from: x and y in pixels of the slice, (N, crop, crop)."""
    count, device = images.shape[0], images.device
    offset = (images.shape[-1] - crop) // 2
    line = torch.arange(crop, device=device, dtype=torch.float32) + offset
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"))  # x, y: (2, crop, crop)
    positions = grid + _elastic(count, crop, settings, generator)
    # Unchecked, since a check would wait for the device; a zoom is never zero.
    inverse, _ = torch.linalg.inv_ex(_affine(images, crop, settings, generator))
    linear, shift = inverse[:, :2, :2], inverse[:, :2, 2]
    source = torch.einsum("nij,njhw->nihw", linear, positions) + shift[:, :, None, None]
    return source[:, 0], source[:, 1]


def _affine(
    images: Tensor, crop: int, settings: Augmentation, generator: torch.Generator
) -> Tensor:
    """Flip, then zoom and rotate about the centre, then shift: matrices (N, 3, 3) in pixels."""
    count = images.shape[0]
    angle = _uniform(-settings.rotation, settings.rotation, (count,), generator)
    turns = torch.randint(8, (count,), generator=generator, device=generator.device)
    if settings.eighth_turns:
        angle = angle + 45.0 * turns
    shift = crop * _uniform(-settings.shift, settings.shift, (count, 2), generator)
    zoom = _uniform(*settings.zoom, (count, 1), generator).expand(count, 2)
    flipped = _uniform(0, 1, (count, 2), generator) < settings.flip
    middle = (crop - 1) / 2 + (images.shape[-1] - crop) // 2
    centre = torch.full((count, 2), middle, device=images.device)
    affine = get_affine_matrix2d(shift, centre, zoom, angle)
    sign = 1.0 - 2.0 * flipped.float()
    flip = torch.diag_embed(torch.cat([sign, torch.ones_like(sign[:, :1])], dim=1))
    flip[:, :2, 2] = (1 - sign) * middle
    return affine @ flip


def _elastic(count: int, crop: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """A displacement (N, 2, crop, crop) in pixels: smoothed uniform noise, or 0 where not drawn."""
    noise = _uniform(-1, 1, (count, 2, crop, crop), generator)
    sigma = crop * _uniform(*settings.elastic_sigma, (count, 1), generator)
    strength = crop * _uniform(*settings.elastic_strength, (count, 1, 1, 1), generator)
    applied = _uniform(0, 1, (count, 1, 1, 1), generator) < settings.elastic
    width = 2 * int(3 * crop * settings.elastic_sigma[1]) + 1  # three standard deviations
    smooth = gaussian_blur2d(noise, (width, width), sigma.expand(count, 2), "constant")
    return smooth * strength * applied


def _retone(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Change contrast about the mean, and brightness, inside each image's own range."""
    shape = (images.shape[0], 1, 1, 1)
    contrast = _uniform(*settings.contrast, shape, generator)
    brightness = _uniform(-settings.brightness, settings.brightness, shape, generator)
    applied = _uniform(0, 1, shape, generator) < settings.intensity
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    mean = images.mean((2, 3), keepdim=True)
    toned = (images - mean) * contrast + mean + brightness * (high - low)
    return torch.where(applied, torch.minimum(torch.maximum(toned, low), high), images)
