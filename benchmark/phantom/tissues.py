"""The grey levels of one subject."""

from dataclasses import dataclass

import numpy as np

from benchmark.phantom.site import Site


@dataclass(frozen=True)
class Tissues:
    """Grey levels of one subject, as fractions of full scale."""

    air: float
    lung: float
    myocardium: float
    muscle: float
    liver: float
    blood: float
    fat: float


def draw_tissues(rng: np.random.Generator, site: Site) -> Tissues:
    """The site's grey levels, each varied by its ``level_spread``, after its gamma."""
    gamma = rng.uniform(*site.gamma)

    def level(typical: float) -> float:
        return float((typical * rng.uniform(1 - site.level_spread, 1 + site.level_spread)) ** gamma)

    return Tissues(
        air=level(site.air),
        lung=level(site.lung),
        myocardium=level(site.myocardium),
        muscle=level(site.muscle),
        liver=level(site.liver),
        blood=level(site.blood),
        fat=level(site.fat),
    )
