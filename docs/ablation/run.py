"""What each choice of the training is worth: one run for each row, by commands of coopbench alone.

    python docs/ablation/run.py --data data --runs runs-ablation --steps 1500 --crop 192 --batch 6
    python docs/ablation/run.py --only rand-conv,adv-noise --dry-run

Rows are of repeat 0. A row that is trained is not trained again, and one that was interrupted goes
on, so the same command may be given until all are there. In the end all are evaluated on every
prepared set of the data, and a report is written, with FTN and FTN+STN of every row.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COOPBENCH = (sys.executable, "-m", "benchmark")

# The augmentation that coopbench had before it followed the authors' code.
AUGMENTATION_BEFORE = ("augmentation.style=stated", "partial_batches=false")

MAIN = ("standard", "rand-conv", "proposed")

Row = tuple[str, str, tuple[str, ...]]
"""Name, method, settings that differ from the method's own."""


def trained_rows() -> list[Row]:
    """What is trained; a row of a method's own name is as the authors' code does it."""
    rows: list[Row] = []
    for method in MAIN:
        rows.append((method, method, ()))
        rows.append((f"{method}-p-first", method, ("stn_first=prediction",)))
        rows.append((f"{method}-augmentation-before", method, AUGMENTATION_BEFORE))
    both = ("stn=true", "hard_batch_norm=none")
    return [
        *rows,
        ("proposed-bn-untraced", "proposed", ("hard_batch_norm=none",)),
        ("rand-conv-stn", "rand-conv", ("stn=true",)),
        ("rand-conv-bn-untraced", "rand-conv", ("hard_batch_norm=none",)),
        ("rand-conv-stn-bn-untraced", "rand-conv", both),
        ("rand-conv-before", "rand-conv", (*both, "stn_first=prediction")),
        ("adv-noise", "adv-noise", ()),
        ("adv-noise-0.1", "adv-noise", ("epsilon=0.1",)),
    ]


RECALIBRATED = tuple(
    (f"{name}-recalibrated", name) for method in MAIN for name in (method, f"{method}-p-first")
)
"""Rows of the same weights as another, with the STN's batch norm estimated on predictions."""


def run(words: Sequence[str], *, dry: bool) -> None:
    """One command, with one thread; it fails as the command does."""
    print(shlex.join(["coopbench", *words]), flush=True)
    if not dry:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([*COOPBENCH, *words], check=True, env=environment)


def main() -> None:
    """Train, recalibrate, evaluate, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs-ablation"))
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--crop", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, for every row")
    parser.add_argument("--only", default="", help="rows whose names begin so, with commas between")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a thread each")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    options = parser.parse_args()

    sizes = [(key, getattr(options, key)) for key in ("steps", "crop", "batch")]
    common = [f"{key}={value}" for key, value in sizes if value is not None] + options.set
    where = ["--data", str(options.data)]
    runs = ["--runs", str(options.runs)]
    preset = ["--preset", options.preset]
    only = tuple(filter(None, options.only.split(",")))
    rows = [row for row in trained_rows() if not only or row[0].startswith(only)]

    def train(row: Row) -> None:
        name, method, settings = row
        changes = [word for setting in (*common, *settings) for word in ("--set", setting)]
        named = [] if name == method else ["--name", name]
        words = ["train", "--method", method, *named, *changes, *where, *runs, *preset]
        run(words, dry=options.dry_run)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(train, rows))
    names = {name for name, _, _ in rows}
    for name, origin in RECALIBRATED:
        if origin not in names:
            continue
        found = sorted(options.runs.glob(f"*-{options.preset}/{origin}-r0-s*"))
        folder = found[0] if found else options.runs / f"acdc-{options.preset}/{origin}-r0-s40"
        if not folder.with_name(folder.name.replace(origin, name, 1)).exists():
            run(["recalibrate", str(folder), "--name", name, *where], dry=options.dry_run)
    run(["report", *where, *runs, *preset], dry=options.dry_run)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
