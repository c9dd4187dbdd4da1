"""The four artefacts of ACDC-C on batches of slices, on the slices' device.

Each function applies given parameters, one set per image. It does in two dimensions what TorchIO's
transform of the same name does (Pérez-García et al., Computer Methods and Programs in Biomedicine
208, 2021); the tests compare them. Nothing is random here.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

EXPONENTS = [(i, j) for i in range(4) for j in range(4 - i)]
"""The terms x^i·y^j of a polynomial of order 3 in the rows x and the columns y."""


def bias_field(image: Tensor, coefficients: Tensor) -> Tensor:
    """Multiply by the exponential of a polynomial over [−1, 1]².

    Args:
        image: (N, 1, H, W).
        coefficients: (N, 10), in the order of `EXPONENTS`.
    """
    x, y = (_centred(size, image.device) for size in image.shape[2:])
    terms = torch.stack([x[:, None] ** i * y[None] ** j for i, j in EXPONENTS])
    return image * torch.einsum("nk,khw->nhw", coefficients, terms).exp()[:, None]


def _centred(size: int, device: torch.device) -> Tensor:
    line = torch.arange(size, device=device) + 0.5 - size / 2
    return line / line.max()


def ghosting(
    image: Tensor, ghosts: Tensor, along_rows: Tensor, intensity: Tensor, restored: float
) -> Tensor:
    """Damp every n-th line of k-space, except at its centre.

    Args:
        image: (N, 1, H, W).
        ghosts: n of each image, whole numbers, (N,).
        along_rows: whether the lines are counted along H rather than W, boolean (N,).
        intensity: share of a line's signal that is removed, in [0, 1], (N,).
        restored: share of the lines, around the centre, that is not changed.
    """
    factors = []
    for size in image.shape[2:]:
        line = torch.arange(size, device=image.device)
        half = round(restored * size) // 2
        centre = (line >= size // 2 - half) & (line < size // 2 + half)
        damped = (line % ghosts[:, None] == 0) & ~centre
        factors.append(1 - intensity[:, None] * damped)
    rows, columns = factors
    factor = torch.where(
        along_rows[:, None, None],
        rows[:, :, None],
        columns[:, None, :].expand(-1, rows.shape[1], -1),
    )
    return _image(_k_space(image) * factor[:, None])


def motion(image: Tensor, degrees: Tensor, translation: Tensor, times: Tensor) -> Tensor:
    """Put the image together from k-space columns that were recorded before and after movements.

    When the centre of k-space is recorded, the body is in the image's own position.

    Args:
        image: (N, 1, H, W).
        degrees: rotation of each of the T movements, (N, T). The centre of rotation is the first
            pixel, as in TorchIO where the affine is the identity (so for ACDC-C).
        translation: by rows and columns, in pixels, (N, T, 2).
        times: share of the columns recorded before each movement, ascending, (N, T).
    """
    moved = _moved(image, degrees, translation)
    spectra = _k_space(torch.cat([image[:, None], moved], dim=1))  # (N, T + 1, 1, H, W)
    count, segments = times.shape[0], times.shape[1] + 1
    # Exchange the position recorded at the centre with the first one.
    late = times > 0.5
    central = torch.where(late.any(1), late.int().argmax(1), segments - 1)
    order = torch.arange(segments, device=image.device).repeat(count, 1)
    order.scatter_(1, central[:, None], 0)
    order[:, 0] = central
    width = image.shape[3]
    columns = torch.arange(width, device=image.device)
    segment = (columns >= (times * width).long()[..., None]).sum(1)  # (N, W)
    position = order.gather(1, segment)
    chosen = position[:, None] == torch.arange(segments, device=image.device)[:, None]
    return _image((spectra * chosen[:, :, None, None]).sum(1))


def _moved(image: Tensor, degrees: Tensor, translation: Tensor) -> Tensor:
    """The image after each movement: (N, T, 1, H, W), linear, its minimum outside the field."""
    count, moves = degrees.shape
    height, width = image.shape[2:]
    angle = degrees.deg2rad().flatten()
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    rows = torch.arange(height, device=image.device)[None, :, None]
    columns = torch.arange(width, device=image.device)[None, None]
    by_row, by_column = translation.flatten(0, 1)[..., None, None].unbind(1)
    y = cosine * rows - sine * columns + by_row
    x = sine * rows + cosine * columns + by_column
    grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], dim=-1)
    several = image.repeat_interleave(moves, 0)
    moved = F.grid_sample(several, grid, padding_mode="border", align_corners=True)
    inside = (y > -0.5) & (y < height - 0.5) & (x > -0.5) & (x < width - 0.5)
    moved = torch.where(inside[:, None], moved, several.amin((2, 3), keepdim=True))
    return moved.unflatten(0, (count, moves))


def spike(image: Tensor, position: Tensor, intensity: Tensor) -> Tensor:
    """Raise one point of k-space by a multiple of its largest magnitude.

    Args:
        image: (N, 1, H, W), not negative, so that its largest coefficient is at frequency 0.
        position: of the point, as shares of the rows and the columns, in [0, 1), (N, 2).
        intensity: the multiple, (N,).
    """
    phase = torch.zeros_like(image)
    for axis, size in ((0, image.shape[2]), (1, image.shape[3])):
        frequency = (position[:, axis] * size).floor() - size // 2
        line = torch.arange(size, device=image.device) / size
        turn = 2 * torch.pi * frequency[:, None] * line
        phase = phase + (turn[:, None, :, None] if axis == 0 else turn[:, None, None, :])
    # In the image, a coefficient a·(sum of the image) becomes the wave a·(mean)·cos.
    mean = image.mean((2, 3), keepdim=True)
    return image + intensity[:, None, None, None] * mean * phase.cos()


def _k_space(image: Tensor) -> Tensor:
    return torch.fft.fftshift(torch.fft.fft2(image.float()), dim=(-2, -1))


def _image(spectrum: Tensor) -> Tensor:
    return torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1))).real
