"""The table printed on the poster, to show beside measured numbers."""

from functools import cache
from importlib import resources

import pandas as pd

POSTER_SETS = ("ACDC", "M&Ms", "RandBias", "RandGhosting", "RandMotion", "RandSpike")
"""The poster's six test sets in its order; its averages are over exactly these."""

POSTER_SUBJECTS = dict.fromkeys(POSTER_SETS, 20) | {"M&Ms": 150}
"""Numbers of subjects in the poster's sets: ACDC's test subjects, and the annotated training
subjects of M&Ms, each at ED and ES."""

AVERAGES = {"FTN": "AVG (FTN)", "FTN+STN": "AVG (FTN+STN)"}
"""The poster's name for the average of each output over the six sets."""

POSTER_SOURCE = (
    "Poster of C. Chen, K. Hammernik, C. Ouyang, C. Qin, W. Bai, D. Rueckert: Cooperative Training "
    "and Latent Space Data Augmentation for Robust Medical Image Segmentation, MICCAI 2021 "
    "(arXiv:2107.01079), table 'Segmentation results across different test sets'"
)
"""Where the published numbers come from, for the line under a table that shows them."""


def published_table() -> pd.DataFrame:
    """Mean Dice as the poster printed it: one row per method title, in the poster's order.

    The columns are `POSTER_SETS` (Dice of the FTN) and the two `AVERAGES`, four decimals, no
    spread. `frame.attrs["source"]` holds `POSTER_SOURCE`.
    """
    with resources.files("results.scores").joinpath("poster.csv").open("rb") as file:
        table = pd.read_csv(file, index_col="method")
    table.attrs["source"] = POSTER_SOURCE
    return table


@cache
def published_titles() -> tuple[str, ...]:
    """The titles of the poster's methods, in its order."""
    return tuple(map(str, published_table().index))
