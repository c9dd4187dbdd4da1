"""The pictures of segmentations: what is drawn is what was generated, predicted and scored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmark.cli import cli
from benchmark.data.dataset import read_dataset
from benchmark.evaluation.metrics import dice
from benchmark.methods.cooperative import Cooperative, CooperativeImage
from benchmark.methods.method import Batch, RandomStream
from benchmark.methods.standard import Standard
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.reporting.examples import (
    case_slices,
    choose_volumes,
    hard_slices,
    largest_slice,
    one_repeat,
)
from benchmark.runs.run import Run, open_run
from results.figures.hard_examples import HardSlice, hard_example_figure
from results.figures.overlay import crop_box
from results.figures.qualitative import CaseSlice, qualitative_alt, qualitative_figure
from results.figures.style import save_figure
from results.scores.score_table import read_scores
from results.wording import PHANTOM_MARK

CPU = torch.device("cpu")
TINY = ("--set", "steps=2", "--set", "batch=2", "--set", "validate_every=1", "--set", "crop=64")


pytestmark = pytest.mark.xdist_group("examples")
"""What these share is made once."""


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two evaluated runs."""
    folder = tmp_path_factory.mktemp("runs")
    for method in ("standard", "proposed"):
        words = ["train", "--method", method, "--data", str(data), "--preset", "demo", *TINY]
        result = CliRunner().invoke(cli, [*words, "--runs", str(folder)])
        assert result.exit_code == 0, result.output
    words = ["evaluate", "--data", str(data), "--runs", str(folder), "--workers", "1"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    return [open_run(folder / "acdc-demo" / f"{name}-r0-s40") for name in ("standard", "proposed")]


# Hard examples


def test_hard_examples_are_those_of_training(
    trained: tuple[DualThinkingNetwork, Batch], stream: RandomStream
) -> None:
    """x̂ by one kind, drawn from the same stream as the loss, is what the loss was made with."""
    network, batch = trained
    method = CooperativeImage(image_masks=["spatial"])
    seen: list[torch.Tensor] = []
    taken = network.image_code

    def watched(image: torch.Tensor) -> torch.Tensor:
        seen.append(image.detach())
        return taken(image)

    network.image_code = watched  # type: ignore[method-assign]
    method.losses(network, batch, RandomStream.named(CPU, "same"))
    found = method.hard_examples(network, batch, RandomStream.named(CPU, "same"))
    assert found["spatial"].image is not None and found["spatial"].logits is None
    torch.testing.assert_close(found["spatial"].image, seen[1])  # first x̃, then x̂


def test_hard_examples_leave_no_trace(trained: tuple[DualThinkingNetwork, Batch]) -> None:
    network, batch = trained
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = Cooperative().hard_examples(network, batch, RandomStream.named(CPU, 1))
    assert list(found) == ["dropout", "channel", "spatial"]
    for made in found.values():
        assert made.image is not None and made.logits is not None and made.refined is not None
        assert made.image.shape == batch.clean.shape
        assert made.logits.shape == made.refined.shape == (len(batch.label), 4, 64, 64)
        assert not made.image.requires_grad and not made.refined.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(weight.grad is None or not weight.grad.any() for weight in network.parameters())
    assert Standard().hard_examples(network, batch, RandomStream.named(CPU, 1)) == {}


@pytest.mark.slow
def test_hard_slices_of_a_run(data: Path, runs: list[Run]) -> None:
    dataset = read_dataset(data / "acdc")
    standard, proposed = runs
    assert hard_slices(standard, dataset, device=CPU) == []
    slices = hard_slices(proposed, dataset, device=CPU)
    assert [one.name for one in slices] == ["003 ED", "003 ES"]  # the validation subject
    again = hard_slices(proposed, dataset, device=CPU)
    for one, other in zip(slices, again, strict=True):
        assert one.image.shape == one.label.shape == (64, 64)
        assert one.image.min() >= 0 and one.image.max() == 1
        for kind in ("dropout", "channel", "spatial"):
            assert np.array_equal(one.images[kind], other.images[kind])
            assert np.array_equal(one.refined[kind], other.refined[kind])


# Cases


def scores_of(values: dict[tuple[str, str], list[float]], repeat: int = 0) -> pd.DataFrame:
    """Dice by method and set, for subjects 000, 001, ..."""
    return pd.DataFrame(
        [
            (method, repeat, test_set, f"{number:03d}", 0, "ED", "LV", "FTN", value)
            for (method, test_set), column in values.items()
            for number, value in enumerate(column)
        ],
        columns=["method", "repeat", "test_set", "subject", "draw", "frame", "structure",
                 "output", "dice"],
    )  # fmt: skip


def test_best_median_and_worst_by_hand() -> None:
    scores = scores_of({("a", "X"): [0.1, 0.9, 0.5, 0.4], ("b", "X"): [0.3, 0.7, 0.6, 0.2]})
    chosen = {v.choice: v.subject for v in choose_volumes(scores, {"a": 0, "b": 0}, "FTN")}
    # Means: 0.2, 0.8, 0.55, 0.3.
    assert chosen == {"best": "001", "median": "002", "worst": "000"}
    alone = {v.choice: v.subject for v in choose_volumes(scores, {"b": 0}, "FTN")}
    assert alone == {"best": "001", "median": "002", "worst": "003"}
    assert choose_volumes(scores, {"a": 0, "b": 0}, "FTN+STN") == []


def test_volumes_that_a_method_lacks_are_not_chosen() -> None:
    scores = scores_of({("a", "X"): [0.1, 0.9], ("b", "X"): [0.3]})
    assert {v.subject for v in choose_volumes(scores, {"a": 0, "b": 0}, "FTN")} == {"000"}


def test_the_repeat_that_is_drawn_counts() -> None:
    both = pd.concat(
        [scores_of({("a", "X"): [0.1, 0.9]}, 1), scores_of({("a", "X"): [0.2, 0.1]}, 0)]
    )
    for repeat, best in ((0, "000"), (1, "001")):
        chosen = choose_volumes(both, {"a": repeat}, "FTN")
        assert {v.subject for v in chosen if v.choice == "best"} == {best}


@pytest.mark.slow
def test_methods_are_drawn_of_a_repeat_that_all_have(runs: list[Run]) -> None:
    """Where the weights of one method's first repeat are elsewhere, that of none is drawn."""

    def run(place: int, repeat: int) -> Run:
        config = runs[place].config
        return replace(runs[place], config=config.model_copy(update={"repeat": repeat}))

    def drawn(*given: Run) -> dict[str, int]:
        return {name: one.config.repeat for name, one in one_repeat(given).items()}

    assert drawn(run(0, 0), run(0, 1), run(1, 1)) == {"standard": 1, "proposed": 1}
    assert drawn(run(1, 1), run(1, 0), run(0, 0)) == {"proposed": 0, "standard": 0}
    assert drawn(run(0, 2), run(0, 0), run(1, 1)) == {"standard": 0, "proposed": 1}


@pytest.mark.slow
@pytest.mark.parametrize("output", ["FTN", "FTN+STN"])
def test_what_is_drawn_was_scored(data: Path, runs: list[Run], output: str) -> None:
    dataset = read_dataset(data / "acdc")
    scores = read_scores([run.folder / "scores" / "acdc.csv" for run in runs])
    found = case_slices(runs, [dataset], scores, output=output, device=CPU, workers=1)
    assert list(found) == ["best", "median", "worst"]
    (worst,) = found["worst"]
    assert worst.test_set == "ACDC" and worst.name in ("004 ED", "004 ES")
    frame = worst.name.split()[1]
    rows = scores.query("method == 'proposed' and frame == @frame and output == @output")
    assert worst.dice["proposed"] == pytest.approx(rows["dice"].mean())
    assert worst.image.shape == worst.label.shape == (192, 192)
    # By another route: the label map that 'evaluate --save-predictions' writes.
    words = ["evaluate", str(runs[1].folder), "--data", str(data), "--save-predictions"]
    assert CliRunner().invoke(cli, [*words, "--workers", "1"]).exit_code == 0
    import nibabel as nib

    from benchmark.data.field import centre_field

    saved = runs[1].folder / "predictions/acdc/004" / f"{frame}_{output.replace('+', '-')}.nii.gz"
    whole = centre_field(np.asarray(nib.load(saved).dataobj).T, 192)
    label = centre_field(
        np.asarray(nib.load(data / "acdc/004" / f"{frame}_seg.nii.gz").dataobj).T, 192
    )
    place = largest_slice(label)
    assert np.array_equal(worst.predictions["proposed"], whole[place])
    assert np.array_equal(worst.label, label[place])
    by_hand = [dice(whole == value, label == value) for value in (1, 2, 3)]
    assert worst.dice["proposed"] == pytest.approx(np.nanmean(by_hand), abs=1e-6)


def test_sets_that_are_not_here_have_no_pictures(runs: list[Run]) -> None:
    scores = read_scores([run.folder / "scores" / "acdc.csv" for run in runs])
    found = case_slices(runs, [], scores, output="FTN", device=CPU)
    assert found == {"best": [], "median": [], "worst": []}
    assert qualitative_figure([], "best", "FTN") is None


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures_of_scores")
def test_report_holds_the_pictures(data: Path, runs: list[Run], tmp_path: Path) -> None:
    words = ["report", "--data", str(data), "--runs", str(runs[0].folder.parent.parent)]
    result = CliRunner().invoke(cli, [*words, "--out", str(tmp_path / "report")])
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "report" / "figures").iterdir()}
    expected = {
        "hard-examples-proposed",
        *(f"qualitative-{c}" for c in ("best", "median", "worst")),
    }
    assert {f"{stem}.{kind}" for stem in expected for kind in ("png", "pdf")} <= names
    assert "hard-examples-standard.png" not in names
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert 'id="figure-qualitative-worst"' in page
    assert str(runs[0].folder / "scores" / "acdc.csv") in page
    (tmp_path / "report" / "figures" / "mine.png").write_bytes(b"mine")
    result = CliRunner().invoke(
        cli, [*words, "--out", str(tmp_path / "report"), "--no-pictures", "--compare", "poster"]
    )
    assert result.exit_code == 0, result.output
    left = {path.name for path in (tmp_path / "report" / "figures").iterdir()}
    assert "mine.png" in left and not any(name.startswith("qualitative") for name in left)
    assert (tmp_path / "report" / "tables" / "poster.md").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures_of_scores")
def test_worst_cases_name_their_line(data: Path, runs: list[Run], tmp_path: Path) -> None:
    import json
    import re

    words = ["report", "--data", str(data), "--runs", str(runs[0].folder.parent.parent)]
    out = tmp_path / "report"
    assert CliRunner().invoke(cli, [*words, "--out", str(out), "--no-pictures"]).exit_code == 0
    found = re.search(r'id="worst-data">(.*?)</script>', (out / "report.html").read_text("utf-8"))
    assert found is not None
    columns = json.loads(found[1])["columns"]

    def value(name: str, row: int) -> object:
        column = columns[name]
        return (
            column["values"][row] if "values" in column else column["names"][column["codes"][row]]
        )

    for row in range(json.loads(found[1])["rows"]):
        path, _, line = str(value("source", row)).rpartition(":")
        fields = Path(path).read_text().splitlines()[int(line) - 1].split(",")
        header = Path(path).read_text().splitlines()[0].split(",")
        given = dict(zip(header, fields, strict=True))
        for name in ("test_set", "subject", "frame", "structure", "output"):
            assert given[name] == value(name, row)
        assert float(given["dice"]) == value("dice", row)


# Drawing


def label_map(shift: int = 0) -> np.ndarray:
    label = np.zeros((80, 60), dtype=np.int64)
    label[20 + shift : 40 + shift, 20:40] = 2
    label[25 + shift : 35 + shift, 25:35] = 1
    label[20 + shift : 40 + shift, 42:50] = 3
    return label


def cases(
    methods: int, sets: tuple[str, ...] = ("ACDC", "RandSpike", "Further")
) -> list[CaseSlice]:
    names = [f"a rather long title {n}" for n in range(methods)]
    return [
        CaseSlice(
            test_set=name,
            name="007 ED draw 3",
            image=np.linspace(0, 1, 80 * 60).reshape(80, 60),
            label=label_map(),
            predictions={m: label_map(2) for m in names},
            dice=dict.fromkeys(names, 0.123456),
        )
        for name in sets
    ]


@pytest.mark.slow
@pytest.mark.parametrize("methods", [1, 2, 7, 12])
def test_everything_is_within_the_figure(methods: int) -> None:
    figure = qualitative_figure(cases(methods), "worst", "FTN+STN", phantom=True)
    assert figure is not None
    assert len(figure.axes) == 3 * methods
    drawn = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height
    assert PHANTOM_MARK in [text.get_text() for text in figure.texts]
    gids = [ax.get_gid() for ax in figure.axes]
    assert gids[0].startswith("ACDC/") and gids[-1].startswith("Further/")  # the table's order
    assert "Dice 0.123 to 0.123" in qualitative_alt(cases(methods), "worst")


def test_contours_follow_label_and_prediction() -> None:
    (one,) = cases(1, ("ACDC",))
    figure = qualitative_figure([one], "best", "FTN")
    assert figure is not None
    contours = figure.axes[0].collections
    assert len(contours) == 6  # three structures of each
    rows, _ = crop_box([one.label, *one.predictions.values()])
    label_lv, predicted_lv = contours[2], contours[5]
    for contour, shift in ((label_lv, 0), (predicted_lv, 2)):
        vertical = np.concatenate([path.vertices for path in contour.get_paths()])[:, 1]
        assert vertical.min() == pytest.approx(24.5 + shift - rows.start)
        assert vertical.max() == pytest.approx(34.5 + shift - rows.start)


def test_crop_holds_all_that_is_labelled() -> None:
    rows, columns = crop_box([label_map(), label_map(30)], margin=3)
    assert rows.stop - rows.start == columns.stop - columns.start == 56
    assert rows.start <= 20 and rows.stop >= 70 and columns.start <= 20 and columns.stop >= 50
    whole = crop_box([np.zeros((80, 60), dtype=int)])
    assert whole == (slice(0, 80), slice(0, 60))


@pytest.mark.slow
def test_hard_examples_are_in_their_places(tmp_path: Path) -> None:
    kinds = ("dropout", "spatial")
    one = HardSlice(
        name="007 ED",
        image=np.full((64, 64), 0.25),
        label=label_map()[:60],
        images={kind: np.full((64, 64), 0.5 + 0.25 * n) for n, kind in enumerate(kinds)},
        corrupted=dict.fromkeys(kinds, label_map()[:60]),
        refined=dict.fromkeys(kinds, label_map()[:60]),
    )
    figure = hard_example_figure([one, one], phantom=True)
    assert figure is not None and len(figure.axes) == 2 * (2 + 3 * 2)
    shown = {ax.get_gid(): ax.images[0].get_array() for ax in figure.axes}
    assert np.all(shown["Image/Image/007 ED"] == 0.25)
    assert np.all(shown["Masked reconstruction/spatial/007 ED"] == 0.75)
    drawn = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height
    again = hard_example_figure([one, one], phantom=True)
    assert again is not None
    first = save_figure(figure, tmp_path / "a")
    assert [p.read_bytes() for p in first] == [
        p.read_bytes() for p in save_figure(again, tmp_path / "b")
    ]
    assert hard_example_figure([]) is None
