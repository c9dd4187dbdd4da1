"""The published splits of ACDC, with validation kept apart from training."""

import tomllib
from importlib.resources import files

from benchmark.data.dataset import Split, Splits


def acdc_splits() -> Splits:
    """The five repeats of the protocol, section 1.

    The published lists overlap in repeats 1 and 4. A validation subject that the same repeat trains
    on is removed from validation, and recorded as dropped.
    """
    table = tomllib.loads(files("benchmark.data").joinpath("acdc_splits.toml").read_text("utf-8"))
    repeats = {}
    for number, published in table["repeats"].items():
        train = published["train"]
        kept = [subject for subject in published["validation"] if subject not in train]
        dropped = [subject for subject in published["validation"] if subject in train]
        repeats[int(number)] = Split(
            train=tuple(train),
            validation=tuple(kept),
            dropped_from_validation=tuple(dropped),
        )
    return Splits(source=table["source"], test=tuple(table["test"]), repeats=repeats)
