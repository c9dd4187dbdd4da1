"""What a user chooses of a report: rows, their order, their printed names; and what is computed."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core.errors import UsageError
from benchmark.data.dataset import Dataset
from benchmark.runs.changed_settings import changed_settings, settings_notes
from benchmark.runs.config import resolve
from benchmark.runs.run import Run

NAMES = ("a-model", "b-model", "c-model")
AWKWARD = r"Ours & 50% of $x_1$ <b>\β</b>"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Score files of three external models, of four subjects."""
    folder = tmp_path_factory.mktemp("scores")
    for place, name in enumerate(NAMES):
        rows = [
            {
                "method": name,
                "repeat": 0,
                "seed": 0,
                "test_set": "ACDC",
                "subject": f"{subject:03d}",
                "draw": 0,
                "frame": "ED",
                "structure": structure,
                "output": "FTN",
                "dice": 0.5 + 0.1 * place + 0.01 * subject,
                "hd95_mm": 4.0,
                "nsd_2mm": 0.5,
                "absent": "",
            }
            for subject in range(4)
            for structure in ("LV", "MYO", "RV")
        ]
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return sorted(folder.glob("*.csv"))


def report(files: list[Path], data: Path, out: Path, *words: str) -> Result:
    given = [word for path in files for word in ("--scores", str(path))]
    where = ("--data", str(data), "--runs", str(out / "none"), "--out", str(out), "--device", "cpu")
    return CliRunner().invoke(cli, ["report", *where, *given, *words])


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_rows_their_order_and_their_names(
    files: list[Path], own_data: Path, tmp_path: Path
) -> None:
    words = ("--methods", "c-model,a-model", "--title", f"a-model={AWKWARD}")
    done = report(files, own_data, tmp_path, *words)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "tables" / "dice-ftn.csv", comment="#")
    assert list(table["method"].unique()) == ["c-model", "a-model"]
    assert set(pd.read_csv(tmp_path / "scores.csv")["method"]) == {"a-model", "c-model"}
    assert list(table["title"].unique()) == ["c-model‡", f"{AWKWARD}‡"]
    latex = (tmp_path / "tables" / "dice-ftn.tex").read_text("utf-8")
    assert r"Ours \& 50\% of \$x\_1\$ $<$b$>$\textbackslash{}$\beta$$<$/b$>$" in latex
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<b>\\β" not in page and "&lt;b&gt;" in page
    for step in ("joining the scores", "tables of 2 methods", "figure scores", "the page"):
        assert f"report: {step}" in done.output  # where no terminal draws a bar


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--methods", "a-model,d-model"), "--methods d-model: no row has this name"),
        (("--title", "d-model=D"), "--title d-model=…: no row has this name"),
        (("--title", "a-model"), "write NAME=TITLE"),
        (("--title", "a-model=two\nlines"), "one line"),
        (("--title", "a-model= "), "one line"),
    ],
)
def test_what_cannot_be_chosen(
    files: list[Path], own_data: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = report(files, own_data, tmp_path, *words)
    assert done.exit_code == 2
    assert said in done.output


def test_what_a_row_changes_is_computed(dataset: Dataset, tmp_path: Path) -> None:
    def run(method: str, *overrides: str, name: str | None = None) -> Run:
        config = resolve(
            method, dataset, preset="demo", repeat=0, name=name, title=name and f"T {name}",
            overrides=overrides,
        )  # fmt: skip
        return Run(tmp_path, config)

    plain = run("rand-conv")
    assert changed_settings(plain.config) == ()
    own = run("rand-conv", "kernels=[1, 3]", "steps=7", "augmentation.flip=0.5", name="small")
    assert changed_settings(own.config) == ("kernels=[1, 3]", "steps=7", "augmentation.flip=0.5")
    assert settings_notes([plain]) == []
    assert settings_notes([plain, own]) == [
        "Settings other than the defaults: T small: method rand-conv, kernels=[1, 3], steps=7, "
        "augmentation.flip=0.5."
    ]


def test_a_list_is_said_how_to_write(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match=r"--set 'augmentation.zoom=\[1, 2\]'"):
        overrides = ("augmentation.zoom=0.8,1",)
        resolve("rand-conv", dataset, preset="demo", repeat=0, overrides=overrides)
