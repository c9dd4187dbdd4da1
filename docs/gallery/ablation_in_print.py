"""An ablation, in print.

What is each part of a method worth? One run for each variant, a table with the rows that you
choose, in your order and under your names, and its LaTeX to the width of the page.

    python ablation_in_print.py                     # on ./data, else the phantom
    python ablation_in_print.py --set steps=400     # any settings of a training
"""

import subprocess
import sys
from pathlib import Path

settings = sys.argv[1:]


def coopbench(*words: str) -> None:
    """The command of that name, as on a command line."""
    subprocess.run(["coopbench", *words], check=True)


# %% The variants
# A variant is a method, the settings that differ, and a name of its own. A list is written in
# brackets, quoted for the shell: `--set 'kernels=[1, 3]'`. `coopbench methods rand-conv` lists all
# settings with their defaults.

train = ["train", "--preset", "demo", *settings]
coopbench(*train, "--method", "standard")
coopbench(*train, "--method", "rand-conv")
coopbench(*train, "--method", "rand-conv", "--set", "kernels=[1, 3]", "--name", "small-kernels")

# %% The table
# `--methods` chooses the rows and their order, `--title` what is printed for one. A note under the
# table says what each variant changes: computed from the runs, not typed.

rows = ["--methods", "standard,small-kernels,rand-conv"]
titles = ["--title", "small-kernels=Rand Conv, k ≤ 3", "--title", "rand-conv=Rand Conv (all k)"]
where = ["--preset", "demo", "--out", "report", "--no-pictures"]
coopbench("report", *where, *rows, *titles, "--width", "lncs")

# %% In the paper
# `dice-ftn.tex` is a float with a label and notes, 122 mm wide, `dice-ftn-tabular.tex` the bare
# table for a float of your own. Each figure is a PDF without caption, and its caption a `.tex`.

print(Path("report/tables/dice-ftn.tex").read_text("utf-8"))
print(*sorted(path.name for path in Path("report/figures").glob("*.pdf")))
