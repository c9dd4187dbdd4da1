"""The signed-rank test by another route than ours: all signs, one after the other."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.stats import rankdata


def p_by_all_signs(differences: Sequence[float]) -> float:
    """The exact two-sided p of a few differences; zeros have ranks and no sign (Pratt)."""
    rounded = np.round(np.asarray(differences, dtype=float), 9)
    ranks = rankdata(np.abs(rounded))[rounded != 0]
    seen = abs(float(np.sign(rounded[rounded != 0]) @ ranks))
    sums = [abs(float(np.array(signs) @ ranks)) for signs in product((-1, 1), repeat=len(ranks))]
    return float(np.mean([value >= seen - 1e-9 for value in sums]))
