"""What latent-space masking makes of images and segmentations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from results.figures.overlay import Image, Label, show_image, show_label, structure_handles
from results.figures.style import (
    EDGE,
    NOTE_LINE,
    mark_phantom,
    styled,
    wrapped_notes,
    write_notes,
)


@dataclass(frozen=True)
class HardSlice:
    """A slice and what was generated from it; images (h, w) in [0, 1], label maps (h, w)."""

    name: str
    """Whose it is."""
    image: Image
    label: Label
    images: Mapping[str, Image]
    """x̂ by kind of mask."""
    corrupted: Mapping[str, Label]
    """p̂ by kind of mask."""
    refined: Mapping[str, Label]
    """STN(p̂) by kind of mask."""


def hard_example_figure(
    slices: Sequence[HardSlice], *, phantom: bool = False, notes: Sequence[str] = ()
) -> Figure | None:
    """Draw a row for each slice: as it is, then what each kind of mask makes of it.

    None where there is no slice.
    """
    if not slices:
        return None
    first = slices[0]
    groups = [
        ("", ["Image", "Label"]),
        ("Masked reconstruction", list(first.images)),
        ("Corrupted segmentation", list(first.corrupted)),
        ("Refined by the STN", list(first.refined)),
    ]
    groups = [(title, names) for title, names in groups if names]
    count = sum(len(names) for _, names in groups)
    width, gap, group_gap = 7.2, 0.04, 0.14
    room = width - 2 * EDGE - gap * (count - len(groups)) - group_gap * (len(groups) - 1)
    side = room / count
    lines = wrapped_notes(
        [
            "Masked reconstruction: x̂, decoded from a masked image code. Corrupted segmentation: "
            "p̂, decoded from a masked shape code. Refined: STN(p̂). One draw of each mask; slices "
            "lie as in the file.",
            *notes,
        ],
        width,
    )
    bottom = EDGE + NOTE_LINE * len(lines) + 0.34
    top = 0.5 + (0.24 if phantom else 0.0)
    height = bottom + len(slices) * (side + gap) + top
    with styled():
        figure = Figure(figsize=(width, height))
        left = EDGE
        for title, names in groups:
            start = left
            for name in names:
                for row, one in enumerate(slices):
                    low = height - top - (row + 1) * side - row * gap
                    ax = figure.add_axes((left / width, low / height, side / width, side / height))
                    ax.set_gid(f"{title or name}/{name}/{one.name}")
                    if name == "Image":
                        show_image(ax, one.image)
                    elif name == "Label":
                        show_label(ax, one.label)
                    elif title == "Masked reconstruction":
                        show_image(ax, one.images[name])
                    else:
                        of = one.corrupted if title == "Corrupted segmentation" else one.refined
                        show_label(ax, of[name])
                    if row == 0:
                        ax.set_title(name, fontsize=6.5, pad=2)
                left += side + gap
            if title:
                centre = (start + left - gap) / 2
                figure.text(
                    centre / width, (height - top + 0.2) / height, title, ha="center", fontsize=7.5
                )
            left += group_gap - gap
        figure.legend(
            handles=structure_handles(4),
            loc="lower center",
            bbox_to_anchor=(0.5, (EDGE + NOTE_LINE * len(lines) + 0.06) / height),
            ncols=3,
            fontsize=6.5,
            frameon=False,
            borderaxespad=0,
        )
        write_notes(figure, lines)
        if phantom:
            mark_phantom(figure)
        return figure


def hard_example_alt(slices: Sequence[HardSlice]) -> str:
    """The figure in words."""
    kinds = ", ".join(dict.fromkeys([*slices[0].images, *slices[0].corrupted]))
    return (
        f"{len(slices)} slices ({', '.join(one.name for one in slices)}) with masked "
        f"reconstructions, corrupted segmentations and their refinement, for masks of kind {kinds}."
    )
