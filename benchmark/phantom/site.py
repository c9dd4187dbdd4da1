"""The scanners: parameters of acquisition and appearance."""

from dataclasses import dataclass

from benchmark.phantom.outline import Range


@dataclass(frozen=True)
class Site:
    """Acquisition and appearance of one scanner.

    Grey levels are fractions of ``full_scale``, before gamma, bias field and noise.
    """

    vendor: str
    centre: int
    spacing: Range
    """In-plane pixel size, mm."""
    columns: tuple[int, int]
    rows: tuple[int, int]
    """Smallest and largest number of pixels along x and along y."""
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
    """Largest |log| of the smooth random part of the bias field."""
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
