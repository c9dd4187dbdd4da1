"""Draw slices and segmentations: one grey window, one colour for each structure."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from numpy.typing import NDArray

STRUCTURES = {1: "LV", 2: "MYO", 3: "RV"}
TINTS = {1: "#E69F00", 2: "#56B4E9", 3: "#CC79A7"}
"""Colours of the structures; distinct on grey, and for all kinds of colour vision."""

Image = NDArray[np.floating]
Label = NDArray[np.integer]


def show_image(ax: Axes, image: Image) -> None:
    """Draw a slice (h, w) in [0, 1]: black 0, white 1, pixels square."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()


def show_label(ax: Axes, label: Label) -> None:
    """Draw a label map (h, w) in the colours of the structures, on black."""
    picture = np.zeros((*label.shape, 3))
    for value, tint in TINTS.items():
        picture[label == value] = to_rgb(tint)
    ax.imshow(picture, interpolation="nearest")
    ax.set_axis_off()


def draw_contours(ax: Axes, label: Label, *, colour: str | None = None, width: float = 0.8) -> None:
    """Draw the outline of each structure of a label map (h, w); in ``colour``, or its own
    colour."""
    for value, tint in reversed(TINTS.items()):  # draw the LV over the shared border
        mask = label == value
        if mask.any() and not mask.all():
            ax.contour(mask.astype(float), [0.5], colors=colour or tint, linewidths=width)


def crop_box(labels: Iterable[Label], margin: int = 12) -> tuple[slice, slice]:
    """The square around all labelled pixels in any of the maps (h, w), with a margin.

    The whole slice if nothing is labelled.
    """
    stacked = np.any([label > 0 for label in labels], axis=0)
    height, width = stacked.shape
    rows, columns = np.nonzero(stacked)
    if not len(rows):
        return slice(0, height), slice(0, width)
    reach = int(max(np.ptp(rows), np.ptp(columns))) + 1 + 2 * margin
    side = min(reach, height, width)
    top, left = (
        int(np.clip((places.min() + places.max() + 1 - side) // 2, 0, limit - side))
        for places, limit in ((rows, height), (columns, width))
    )
    return slice(top, top + side), slice(left, left + side)


def structure_handles(width: float = 2.0) -> list[Line2D]:
    """Legend entries for the structures."""
    return [
        Line2D([], [], color=TINTS[value], linewidth=width, label=name)
        for value, name in STRUCTURES.items()
    ]
