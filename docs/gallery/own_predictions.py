"""From predictions of your own to a table.

You have label maps of some model, whatever it is: nnU-Net, MONAI, code of your own. coopbench
scores them by the rules that its own rows are scored by, and puts them into the same table. Here
two "models" stand in for yours, which see the label and shift it by 1 and by 4 pixels, so that
you know which of them has to win.

    python own_predictions.py               # on ./data, else the phantom; writes into this folder
"""

import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from benchmark.cli.options import locate_data
from benchmark.data.dataset import evaluated_cases, read_dataset

# %% The test subjects
# A prepared set knows its cases, their frames and files. `evaluated_cases` gives those that are
# tested on.

data = locate_data(None)
dataset = read_dataset(data / "acdc")
cases = evaluated_cases(dataset)
print(f"{dataset.title}: {len(cases)} test subjects, such as {cases[0].subject}")

# %% The predictions
# A folder for each model; in it a folder for each test set; in that a file for each subject and
# frame, under nearly any name (`coopbench score --help` says which). Write the label map on the
# voxels of the image, with its affine: 1 is LV, 2 MYO, 3 RV, or say otherwise by `--map`.

for pixels in (1, 4):
    for case in cases:
        for frame in case.frames:
            label = nib.load(dataset.root / case.folder / f"{frame}_seg.nii.gz")
            shifted = np.roll(np.asarray(label.dataobj), pixels, axis=0)
            out = Path(f"predictions/shift-{pixels}/acdc/{case.subject}_{frame}.nii.gz")
            out.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(shifted, label.affine), out)

# %% The scores
# `coopbench score` matches files by case, refuses what does not lie on the label's voxels, and
# writes a row for each volume and structure.

for pixels in (1, 4):
    words = ["score", f"predictions/shift-{pixels}/acdc", str(dataset.root)]
    subprocess.run(["coopbench", *words, "--name", f"shift-{pixels}"], check=True)

scores = pd.read_csv("scores/shift-1.csv")
print(scores.groupby("structure")[["dice", "hd95_mm"]].mean().round(3))

# %% The table
# `--runs none` makes a report of these rows alone. With the folder of your runs instead, they
# stand below coopbench's methods, and are tested against them.

given = [word for pixels in (1, 4) for word in ("--scores", f"scores/shift-{pixels}.csv")]
subprocess.run(["coopbench", "report", "--runs", "none", "--out", "report", *given], check=True)

# %% What is in the report
# `report/report.html` is all of it on one page; every table also lies in `report/tables/`, as
# text, Markdown, LaTeX and CSV, and every figure in `report/figures/`.

print(Path("report/tables/dice-ftn.md").read_text("utf-8"))
