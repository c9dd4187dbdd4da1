"""A robustness curve: Dice against the severity of an artefact.

A recipe of one's own, a corrupted set at three severities, a model, and the curve that a paper's
robustness section shows.

    python robustness_curve.py                     # on ./data, else the phantom
    python robustness_curve.py --set steps=400     # any settings of a training
"""

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

settings = sys.argv[1:]


def coopbench(*words: str) -> None:
    """The command of that name, as on a command line."""
    subprocess.run(["coopbench", *words], check=True)


# %% The artefact
# A recipe is a TOML file: which corruptions, at which severities. The guide on recipes has them
# all, and what each severity is in numbers.

Path("noise.toml").write_text(
    """
format = "coopbench-recipe-1"
name = "noise-curve"
title = "Noise curve"
version = 1
draws = 1
field = 192
units = "mm"

[kinds.Noise]
corruption = "noise"
severities = [1, 3, 5]
""",
    encoding="utf-8",
)
coopbench("corrupt", "--recipe", "noise.toml")  # Noise-1, Noise-3, Noise-5

# %% The model
# Any run will do; with scores of your own model, leave this out and give `report` its file by
# `--scores`.

coopbench("train", "--method", "standard", "--preset", "demo", *settings)
coopbench("report", "--preset", "demo", "--out", "report", "--no-pictures")

# %% The curve
# The report has drawn it already, as `report/figures/severity.png`, with intervals over subjects.
# The numbers behind it are one long table, ready to be drawn in your own way.

curve = pd.read_csv("report/tables/severity.csv")
curve = curve[(curve["output"] == "FTN") & (curve["measure"] == "dice")].sort_values("severity")
print(curve[["method", "kind", "severity", "mean"]].to_string(index=False))

figure, axis = plt.subplots(figsize=(5, 3.4), layout="constrained")
for method, of_method in curve.groupby("method"):
    axis.plot(of_method["severity"], of_method["mean"], marker="o", label=method)
axis.set(xlabel="severity of noise", ylabel="Dice (FTN)", xticks=sorted(set(curve["severity"])))
axis.legend(frameon=False)
figure.savefig("noise-curve.png", dpi=150)
