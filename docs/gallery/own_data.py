"""Data of your own, from files to a table.

A folder of images and labels becomes a set that is trained on, corrupted and scored as ACDC is.
Here the files are those of the prepared ACDC, or of the phantom, under names as a hospital might
give them, so that you can see it work first.

    python own_data.py                     # from ./data, else the phantom; writes into this folder
    python own_data.py --set steps=400     # any settings of a training
"""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmark.cli.options import locate_data
from benchmark.data.dataset import read_dataset, read_splits

settings = sys.argv[1:]


def coopbench(*words: str) -> None:
    """The command of that name, as on a command line."""
    subprocess.run(["coopbench", *words], check=True)


# %% The files
# Images and labels in two folders, matched by subject and frame; and a table that says who is
# trained, validated and tested on. Without the table, all are test subjects.

source = read_dataset(locate_data(None) / "acdc")
splits = read_splits(source)
parts = {
    **dict.fromkeys(splits.repeats[0].train, "train"),
    **dict.fromkeys(splits.repeats[0].validation, "validation"),
    **dict.fromkeys(splits.test, "test"),
}
for folder in ("hospital/images", "hospital/labels"):
    Path(folder).mkdir(parents=True, exist_ok=True)
cases = [case for case in source.cases if case.subject in parts]
for case in cases:
    for frame in case.frames:
        name = f"{case.subject}_{frame}.nii.gz"
        files = source.root / case.folder
        shutil.copyfile(files / f"{frame}_img.nii.gz", f"hospital/images/{name}")
        shutil.copyfile(files / f"{frame}_seg.nii.gz", f"hospital/labels/{name}")
with Path("hospital/split.csv").open("w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["subject", "split"])
    rows.writerows((case.subject, parts[case.subject]) for case in cases)

# %% The set
# `--dry-run` shows which label goes with which image, and writes nothing. Then the set is made, in
# a data folder of its own, which needs no ACDC beside it.

prepare = ["prepare", "folder", "hospital", "--name", "hospital", "--title", "Hospital"]
prepare += ["--images", "images/*.nii.gz", "--labels", "labels/*.nii.gz"]
prepare += ["--label-map", "1=LV,2=MYO,3=RV", "--split", "hospital/split.csv", "--out", "own"]
coopbench(*prepare, "--dry-run")
coopbench(*prepare)

# %% Corrupted, trained, scored
# Whatever commands do with ACDC, they do with a set of any name: `--test-set` says which is
# corrupted, and the setting `train_set` which is trained on.

coopbench("corrupt", "--data", "own", "--test-set", "hospital")
train = ["train", "--data", "own", "--method", "standard", "--preset", "demo"]
coopbench(*train, "--set", "train_set=hospital", *settings)
coopbench("report", "--data", "own", "--preset", "demo", "--out", "report", "--no-pictures")

# %% The table
# A column for each set that has scores: the clean one, and its corrupted versions.

table = pd.read_csv("report/tables/dice-ftn.csv", comment="#")
print(table.to_string(index=False))
