"""The commands, as a user types them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.evaluation.metrics import dice
from benchmark.phantom.raw_layouts import CROSS_SUBJECTS
from results.scores.score_table import read_scores
from tests.helpers.acdc_files import heart, write_acdc
from tests.helpers.forked import COOPBENCH, Forked

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=2", "--set", "precision=float32")


def coopbench(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def said(result: Result) -> str:
    """What the command said, on one line."""
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two finished runs."""
    runs = tmp_path_factory.mktemp("runs")
    for method in ("standard", "proposed"):
        words = ("train", "--method", method, "--data", data, "--preset", "demo", "--runs", runs)
        result = coopbench(*words, *TINY)
        assert result.exit_code == 0, result.output
    return runs


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from benchmark.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'torchio', 'pandas', 'matplotlib', 'nibabel', 'scipy', 'pydantic'}\n"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "coopbench train --method proposed" in done.stdout


@pytest.mark.slow
def test_scoring_imports_no_pytorch() -> None:
    """Which takes longer than to score some volumes."""
    code = (
        "import sys, benchmark.evaluation.external.score_file\n"
        "import benchmark.evaluation.external.scoring, benchmark.evaluation.external.converted\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["prepare acdc", "corrupt", "train", "evaluate", "predict"])
def test_every_help_has_examples(command: str) -> None:
    result = coopbench(*command.split(), "--help")
    assert result.exit_code == 0 and f"coopbench {command}" in result.output


@pytest.mark.slow
def test_training_and_evaluation_need_no_torchio(data: Path, tmp_path: Path) -> None:
    """As on a machine that has neither TorchIO nor SimpleITK."""
    code = (
        "import json, sys; sys.modules['torchio'] = sys.modules['SimpleITK'] = None\n"
        "from benchmark.cli import cli\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try: cli(words)\n"
        "    except SystemExit as end: assert not end.code\n"
    )
    words = ["train", "--method", "standard", "--data", str(data), "--preset", "demo", *TINY]
    words += ["--runs", str(tmp_path)]
    commands = json.dumps([words, ["evaluate", "--data", str(data), "--runs", str(tmp_path)]])
    done = subprocess.run(
        [sys.executable, "-c", code, commands],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "acdc-demo" / "standard-r0-s40" / "scores" / "acdc.csv").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("few_figures")
def test_prepare_train_evaluate_report(data: Path, trained: Path, tmp_path: Path) -> None:
    again = coopbench(
        "train",
        "--method",
        "standard",
        "--data",
        data,
        "--preset",
        "demo",
        "--runs",
        trained,
        *TINY,
    )
    assert again.exit_code == 0 and "already trained" in again.output
    result = coopbench(
        "evaluate", "--data", data, "--runs", trained, "--save-predictions", "--workers", "1"
    )
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(trained / "acdc-demo" / "scores.csv", dtype={"subject": str})
    assert list(scores.columns) == [
        "method",
        "repeat",
        "seed",
        "test_set",
        "subject",
        "draw",
        "frame",
        "structure",
        "output",
        "dice",
        "hd95_mm",
        "nsd_2mm",
        "jaccard",
        "hd_mm",
        "assd_mm",
        "label_ml",
        "prediction_ml",
        "absent",
    ]
    # 2 methods × 1 test subject × 2 frames × 3 structures × 2 outputs
    assert len(scores) == 24 and set(scores["subject"]) == {"004"}
    # The scores are those of the saved label maps, in the image's own space.
    run = trained / "acdc-demo" / "proposed-r0-s40"
    label = nib.load(data / "acdc" / "004" / "ED_seg.nii.gz")
    saved = nib.load(run / "predictions" / "acdc" / "004" / "ED_FTN-STN.nii.gz")
    np.testing.assert_array_equal(saved.affine, label.affine)
    row = scores.query(
        "method == 'proposed' and frame == 'ED' and structure == 'MYO' and output == 'FTN+STN'"
    )
    found = dice(np.asarray(saved.dataobj) == 2, np.asarray(label.dataobj) == 2)
    assert row["dice"].item() == pytest.approx(found, abs=1e-6)
    again = coopbench("evaluate", trained / "acdc-demo", "--data", data)  # the folder of a group
    assert again.exit_code == 0 and "2 runs on ACDC" in again.output
    out = tmp_path / "report"
    report = coopbench("report", "--data", data, "--runs", trained, "--out", out)
    assert report.exit_code == 0, report.output
    for stem in ("dice-ftn", "dice-ftn-stn", "comparison-ftn", "intervals-ftn", "structures-ftn"):
        for ending in ("txt", "md", "csv", "tex"):
            assert (out / "tables" / f"{stem}.{ending}").is_file()
        assert f"{stem}, " in report.output
    assert {"scores.png", "scores.pdf"} <= {path.name for path in (out / "figures").iterdir()}
    assert f"wrote {out / 'scores.csv'}" in report.output
    assert f"wrote {out / 'report.html'}" in report.output
    parquet = read_scores(out / "scores.parquet")
    pd.testing.assert_frame_equal(parquet, read_scores(out / "scores.csv"))
    mean = scores.query("output == 'FTN' and method == 'proposed'")["dice"].mean()
    line = next(line for line in report.output.splitlines() if line.startswith("Proposed w. X,p"))
    assert line.split()[3] == f"{mean:.4f}"
    note = re.search(r"Left out, since they have no score: ([^.]*)\.", said(report))
    assert note is not None and "M&Ms" in note[1] and "missing" not in line


@pytest.mark.slow
def test_evaluation_is_not_repeated_until_something_changes(
    data: Path, trained: Path, tmp_path: Path
) -> None:
    words = ("evaluate", "--data", data, "--runs", trained, "--workers", "1")
    assert coopbench(*words).exit_code == 0
    path = trained / "acdc-demo" / "standard-r0-s40" / "scores" / "acdc.csv"
    before = path.stat().st_mtime_ns
    assert coopbench(*words).exit_code == 0
    assert path.stat().st_mtime_ns == before
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert coopbench(*words).exit_code == 0
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("shape", "spacing", "axes"),
    [
        ((60, 70, 4), (2.0, 1.5, 8.0), "xyz"),
        ((300, 280, 2), (0.9, 0.9, 10.0), "xyz"),
        ((5, 80, 90), (9.0, 1.4, 1.4), "zxy"),
    ],
)
def test_predict_answers_in_the_images_own_space(
    trained: Path, tmp_path: Path, shape: tuple[int, ...], spacing: tuple[float, ...], axes: str
) -> None:
    rng = np.random.default_rng(0)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-20, 30, 5)
    path = tmp_path / "my scan.nii.gz"
    nib.save(nib.Nifti1Image(rng.normal(100, 20, shape).astype(np.float32), affine), path)
    result = coopbench("predict", trained / "acdc-demo" / "proposed-r0-s40", path)
    assert result.exit_code == 0, result.output
    label = nib.load(tmp_path / "my scan_seg.nii.gz")
    assert label.shape == shape and label.get_data_dtype() == np.uint8
    np.testing.assert_allclose(label.affine, affine)
    assert set(np.unique(np.asarray(label.dataobj))) <= {0, 1, 2, 3}


def test_segmentation_comes_back_to_where_the_structure_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the network that finds what is bright, across spacing and axes."""
    from benchmark.data.field import centre_field
    from benchmark.data.nifti import Volume
    from benchmark.inference import volume as module

    monkeypatch.setattr(
        module,
        "predict_field",
        lambda network, slices, **_: {"FTN": centre_field((slices > 0.5).astype(np.uint8), 192)},
    )
    data = np.zeros((4, 120, 100), dtype=np.float32)
    data[2, 40:80, 30:60] = 1
    upright = Volume(data, np.eye(4), (8.0, 1.0, 2.0))
    found = module.segment(upright, None, size=192, output="FTN", device=None, precision=None)  # type: ignore[arg-type]
    assert found.shape == data.shape
    assert dice(found == 1, data == 1) > 0.97


def test_slices_of_an_isotropic_volume_are_along_its_last_axis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from benchmark.data.nifti import Volume
    from benchmark.inference import volume as module

    shown = []

    def predict_field(network: object, slices: np.ndarray, **_: object) -> dict[str, np.ndarray]:
        shown.append(slices.shape)
        return {"FTN": np.zeros((len(slices), 192, 192), dtype=np.uint8)}

    monkeypatch.setattr(module, "predict_field", predict_field)
    ramp = np.arange(30.0 * 40 * 7).reshape(30, 40, 7)
    volume = Volume(ramp, np.eye(4), (1.36719, 1.36719, 1.36719))
    module.segment(volume, None, size=192, output="FTN", device=None, precision=None)  # type: ignore[arg-type]
    assert shown == [(7, 40, 30)]


@pytest.mark.slow
def test_ablations_by_settings(data: Path, tmp_path: Path) -> None:
    result = coopbench(
        *("train", "--method", "proposed", "--data", data, "--preset", "demo", "--runs", tmp_path),
        *("--set", "image_masks=channel", "--set", "shape_masks=", "--set", "soft=false"),
        *("--set", "separate=true", "--name", "channel-hard", *TINY),
    )
    assert result.exit_code == 0, result.output
    history = pd.read_csv(tmp_path / "acdc-demo" / "channel-hard-r0-s40" / "history.csv")
    assert "hard_shape" in history and "hard_shape_of_generated" not in history


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("train", "--method", "propsed"), 2, "did you mean proposed"),
        (("train", "--method", "standard", "--set", "lr=1"), 2, "no such key"),
        (("train", "--method", "standard", "--preset", "papr"), 2, "papr"),
        (("train", "--method", "standard", "--repeat", "7"), 2, "no repeat 7"),
        (("train",), 2, "--method"),
        (("train", "--method", "standard", "--name", "../outside"), 2, "use letters"),
        (("train", "--method", "standard", "--name", "proposed"), 2, "is another method"),
        (("study", "--repeats", "one"), 2, "give whole numbers"),
        (("report", "--repeats", ","), 2, "give whole numbers"),
        (("evaluate", "nowhere"), 1, "nowhere: holds no run"),
        (("evaluate", "--runs", "nowhere"), 1, "holds no finished run"),
        (("report", "--runs", "nowhere"), 1, "holds no finished run"),
        (("predict", "nowhere", "image.nii.gz"), 1, "nowhere: holds no run"),
        (("phantom", "--seed", "3"), 2, "--seed goes with --out"),
    ],
)
def test_mistakes_get_one_line(
    words: tuple[str, ...],
    code: int,
    line: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COOPBENCH_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    result = coopbench(*words)
    assert not list(tmp_path.iterdir())
    assert result.exit_code == code, result.output
    assert line in said(result)


def test_missing_data_and_missing_frames(tmp_path: Path) -> None:
    result = coopbench("corrupt", "--data", tmp_path)
    assert result.exit_code == 1 and "holds no prepared set" in said(result)
    raw = write_acdc(tmp_path / "raw", 1)
    (raw / "training/patient001/Info.cfg").unlink()
    result = coopbench("prepare", "acdc", raw, "--out", tmp_path / "data")
    assert result.exit_code == 1 and "Info.cfg: no such file" in said(result)
    assert not (tmp_path / "data").exists()


def test_broken_images_for_predict(trained: Path, tmp_path: Path) -> None:
    run = trained / "acdc-demo" / "standard-r0-s40"
    image, _ = heart(np.random.default_rng(0))
    path = tmp_path / "image.nii.gz"
    for data, fault in (
        (image[..., 0], "is 2D"),
        (np.stack([image, image], axis=-1)[..., None], "is 5D"),
        (np.zeros_like(image), "constant"),
        (np.where(image > 0, np.nan, image).astype(np.float32), "NaN"),
    ):
        nib.save(nib.Nifti1Image(data, np.eye(4)), path)
        result = coopbench("predict", run, path)
        assert result.exit_code == 1 and fault in said(result) and str(path) in result.output
    nib.save(nib.Nifti1Image(image.astype(np.complex64), np.eye(4)), path)
    result = coopbench("predict", run, path)
    assert result.exit_code == 1 and "not plain numbers" in said(result)
    other = tmp_path / "image.mgz"
    nib.save(nib.MGHImage(image.astype(np.float32), np.eye(4)), other)
    result = coopbench("predict", run, other)
    assert result.exit_code == 1 and "is not a NIfTI file" in said(result)
    other.unlink()
    path.write_bytes(path.read_bytes()[:99])
    result = coopbench("predict", run, path)
    assert result.exit_code == 1 and "cannot be read as NIfTI" in said(result)
    assert [p.name for p in tmp_path.iterdir()] == ["image.nii.gz"]


def test_unfinished_run_is_not_evaluated(data: Path, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "acdc-demo" / "proposed-r0-s40"
    run.mkdir(parents=True)
    source = trained / "acdc-demo" / "proposed-r0-s40" / "config.json"
    (run / "config.json").write_bytes(source.read_bytes())
    result = coopbench("evaluate", run, "--data", data)
    assert result.exit_code == 1 and "not finished" in said(result)
    result = coopbench("report", "--data", data, "--runs", tmp_path)
    assert result.exit_code == 1 and "not finished" in said(result)


@pytest.mark.slow
def test_runs_of_two_presets_do_not_share_a_table(
    data: Path, trained: Path, tmp_path: Path
) -> None:
    for preset in ("demo", "compact"):
        result = coopbench(
            *("train", "--method", "standard", "--data", data, "--preset", preset),
            *("--runs", tmp_path, *TINY),
        )
        assert result.exit_code == 0, result.output
    result = coopbench("report", "--data", data, "--runs", tmp_path)
    assert result.exit_code == 2 and "--preset compact|demo" in said(result)


@pytest.mark.slow
def test_two_seeds_of_one_repeat_do_not_share_a_cell(data: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        result = coopbench(
            *("train", "--method", "standard", "--data", data, "--preset", "demo"),
            *("--runs", tmp_path, "--seed", seed, *TINY),
        )
        assert result.exit_code == 0, result.output
    result = coopbench("report", "--data", data, "--runs", tmp_path)
    assert result.exit_code == 1 and "one seed per repeat" in said(result)


def test_runs_on_other_data_are_left_out(data: Path, trained: Path, tmp_path: Path) -> None:
    raw = write_acdc(tmp_path / "raw", 2, seed=5)
    assert coopbench("prepare", "acdc", raw, "--out", tmp_path / "other").exit_code == 0
    result = coopbench("report", "--data", tmp_path / "other", "--runs", trained)
    assert result.exit_code == 1 and "trained on other data" in said(result)
    run = trained / "acdc-demo" / "standard-r0-s40"
    result = coopbench("evaluate", run, "--data", tmp_path / "other")
    assert result.exit_code == 1 and "trained on other data" in said(result)


def test_scores_made_on_other_data_are_not_gathered(
    data: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "runs")
    words = ("evaluate", "--data", data, "--runs", tmp_path / "runs", "--workers", "1")
    assert coopbench(*words).exit_code == 0
    group = tmp_path / "runs" / "acdc-demo"
    record = group / "standard-r0-s40" / "scores" / "acdc.json"
    record.write_text(re.sub(r'"data": "[0-9a-f]+"', '"data": "other"', record.read_text()))
    only = coopbench("evaluate", group / "proposed-r0-s40", "--data", data)
    assert only.exit_code == 0
    assert set(pd.read_csv(group / "scores.csv")["method"]) == {"proposed"}
    assert coopbench(*words).exit_code == 0  # and these are made again
    assert set(pd.read_csv(group / "scores.csv")["method"]) == {"proposed", "standard"}


def test_an_altered_volume_is_not_trained_on(data: Path, tmp_path: Path) -> None:
    """A valid file that is not the one that was prepared, as after an accident."""
    shutil.copytree(data, tmp_path / "data")
    path = tmp_path / "data" / "acdc" / "001" / "ED_seg.nii.gz"
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.roll(np.asarray(image.dataobj), 9, axis=0), image.affine), path)
    words = ("train", "--method", "standard", "--data", tmp_path / "data", "--preset", "demo")
    result = coopbench(*words, "--runs", tmp_path / "runs", *TINY)
    assert result.exit_code == 1
    assert "001/ED_seg.nii.gz: differs from its recorded checksum" in said(result)


def test_predict_overwrites_nothing_unasked(trained: Path, tmp_path: Path) -> None:
    run = trained / "acdc-demo" / "standard-r0-s40"
    path = tmp_path / "image.nii.gz"
    nib.save(nib.Nifti1Image(heart(np.random.default_rng(0))[0], np.diag([1.5, 1.5, 8, 1])), path)
    before = path.read_bytes()
    result = coopbench("predict", run, path, "--out", path)
    assert result.exit_code == 2 and "is the image itself" in said(result)
    assert path.read_bytes() == before
    (tmp_path / "image_seg.nii.gz").write_text("by hand")
    result = coopbench("predict", run, path)
    assert result.exit_code == 2 and "already exists" in said(result)
    assert coopbench("predict", run, path, "--overwrite").exit_code == 0


def test_broken_records_of_a_run_are_named(data: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "runs")
    run = tmp_path / "runs" / "acdc-demo" / "standard-r0-s40"
    words = ("--data", data, "--runs", tmp_path / "runs")
    (run / "environment.json").write_text("{")
    result = coopbench("report", *words, "--out", tmp_path / "report")
    assert result.exit_code == 1 and "environment.json: is not valid JSON" in said(result)
    (run / "done.json").write_text("{}")
    result = coopbench("train", "--method", "standard", "--preset", "demo", *words, *TINY)
    assert result.exit_code == 1 and "done.json: steps: Field required" in said(result)


@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_the_run_goes_on(data: Path, tmp_path: Path) -> None:
    words = ["train", "--method", "standard", "--data", str(data), "--preset", "demo", *TINY]
    words += ["--runs", str(tmp_path), "--set", "steps=100000", "--set", "validate_every=100000"]
    process = Forked(COOPBENCH, words, stderr=subprocess.PIPE)
    history = tmp_path / "acdc-demo" / "standard-r0-s40" / "tensorboard"
    for _ in range(600):
        if history.is_dir() and any(history.iterdir()):
            break
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error and "continue with: coopbench train" in error
    run = history.parent
    assert (run / "resume.safetensors").is_file() and not (run / "done.json").exists()
    log = (run / "log.txt").read_text()
    step = int(re.search(r"interrupted at step (\d+)", log)[1])  # type: ignore[index]
    assert step > 0


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_phantom_is_used_and_named_where_there_is_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three commands of a fresh machine, as they stand; here on fewer synthetic hearts."""
    monkeypatch.chdir(tmp_path)
    fewer = {"SUBJECTS": ("001", "002", "003", "004", "005", "020"), "TEST": ("020",)}
    fewer |= {"TRAIN_SIZE": 4, "VALIDATION_SIZE": 1, "CROSS_SUBJECTS": CROSS_SUBJECTS[:2]}
    for name, value in fewer.items():
        monkeypatch.setattr(f"benchmark.phantom.raw_layouts.{name}", value)
    result = coopbench("train", "--method", "proposed", *TINY)
    assert result.exit_code == 0, result.output
    assert "built-in phantom" in said(result) and "preset: demo" in said(result)
    assert coopbench("corrupt").exit_code == 0
    report = coopbench("report")
    assert report.exit_code == 0, report.output
    assert "PHANTOM" in report.output
    line = next(line for line in report.output.splitlines() if line.startswith("Proposed"))
    assert "missing" not in line  # ACDC, M&Ms and ACDC-C are all there
    tables = sorted((tmp_path / "report/phantom-demo/tables").iterdir())
    assert {"dice-ftn.tex", "robustness.md", "degradation.csv"} <= {path.name for path in tables}
    for path in tables:
        mark = "PHANTOM" if path.stem not in ("severity", "ranks") else "phantom"
        assert mark in path.read_text(), path


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_study_trains_several_at_once_and_skips_what_is_done(
    own_corrupted_data: Path, tmp_path: Path
) -> None:
    words = ("study", "--data", own_corrupted_data, "--preset", "demo", *TINY)
    words = (*words, "--runs", tmp_path / "runs")
    words = (*words, "--methods", "standard,proposed-x,standard", "--out", tmp_path / "report")
    words = (*words, "--repeats", "0,0")
    result = coopbench(*words)
    assert result.exit_code == 0, result.output
    runs = sorted((tmp_path / "runs").glob("*/*/done.json"))
    assert [path.parent.name for path in runs] == ["proposed-x-r0-s40", "standard-r0-s40"]
    times = [path.stat().st_mtime_ns for path in runs]
    assert coopbench(*words).exit_code == 0
    assert [path.stat().st_mtime_ns for path in runs] == times
    # A run of the study is the run that 'train' makes.
    alone = coopbench(
        *("train", "--method", "standard", "--data", own_corrupted_data, "--preset", "demo"),
        *("--runs", tmp_path / "alone", *TINY),
    )
    assert alone.exit_code == 0
    name = "acdc-demo/standard-r0-s40/weights.safetensors"
    assert (tmp_path / "alone" / name).read_bytes() == (tmp_path / "runs" / name).read_bytes()


@pytest.mark.slow
def test_no_process_outlives_a_killed_study(own_corrupted_data: Path, tmp_path: Path) -> None:
    words = ["study", "--data", str(own_corrupted_data), "--preset", "demo"]
    words += ["--runs", str(tmp_path / "runs")]
    words += [*TINY, "--set", "steps=100000", "--methods", "standard"]
    process = Forked(COOPBENCH, words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    log = tmp_path / "runs" / "acdc-demo" / "standard-r0-s40" / "log.txt"
    for _ in range(600):
        if log.is_file():
            break
        time.sleep(0.1)
    assert log.is_file()
    process.kill()
    process.wait()

    def left() -> list[str]:
        """Processes of the study's session that still run."""
        listed = subprocess.run(
            ["ps", "-o", "stat=,args=", "-s", str(process.pid)], capture_output=True, text=True
        )
        return [line for line in listed.stdout.splitlines() if not line.startswith("Z")]

    for _ in range(100):
        if not left():
            break
        time.sleep(0.1)
    assert not left()


@pytest.mark.slow
def test_bench_sets_every_method_beside_the_reference_and_plain_code(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.speed.floor.REPEATS", 1)
    monkeypatch.setattr("benchmark.speed.steps.COUNTED", 1)
    words = ("bench", "--data", data, "--preset", "demo", "--rounds", 2, "--steps", 1)
    result = coopbench(*words, "steps", "evaluation", "--methods", "dsu", *TINY[:-2])
    assert result.exit_code == 0, result.output
    rows = [line.split("|")[1:-1] for line in result.stdout.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert [row[0] for row in cells[2:4]] == ["standard", "dsu"]
    assert cells[2][2] == "1.00 (1.00 to 1.00)"
    for row in cells[2:4]:
        for ratio in (row[2], row[4]):
            median, low, high = map(float, re.findall(r"[0-9.]+", ratio))
            assert 0 < low <= median <= high
        seconds, plain, products, moved, floor = (float(row[n]) for n in (1, 3, 5, 6, 7))
        assert min(seconds, plain, moved, floor) > 0 and products >= 0
    assert float(cells[-1][0]) > 0  # volumes per second
    assert "2 rounds of 1 steps" in result.stdout and "commit" in result.stdout


@pytest.mark.slow
def test_bench_of_a_report() -> None:
    result = coopbench("bench", "report", "--study", "2,1,3,2")
    assert result.exit_code == 0, result.output
    for stage in ("join", "read", "write", "tests", "tables", "figures", "page"):
        assert f"| {stage}" in result.output
    assert "144 scores: " in result.output and "s of processor time" in result.output
    wrong = coopbench("bench", "report", "--study", "2,0,3,2")
    assert wrong.exit_code == 2 and "four whole numbers" in said(wrong)


@pytest.mark.slow
def test_bench_of_corrupting(data: Path) -> None:
    words = ("bench", "corrupt", "--data", data, "--preset", "demo", "--rounds", 1)
    result = coopbench(*words, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "plain loop, s" in result.stdout and "volumes of acdc-c, 1 processes" in result.stdout


def test_bench_names_an_unknown_method(data: Path) -> None:
    result = coopbench("bench", "--data", data, "--methods", "propsed")
    assert result.exit_code == 2 and "did you mean proposed" in said(result)


@pytest.mark.parametrize(
    ("words", "does", "truth"),
    [
        (("bench", "report"), "benchmark.speed.tables.bench_report", "nothing is kept"),
        (("phantom",), "benchmark.phantom.phantom_set.make_phantom", "finished work is kept"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_an_interruption_says_whether_anything_is_kept(
    words: tuple[str, ...], does: str, truth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(does, interrupted)
    done = coopbench(*words)
    assert done.exit_code == 130
    assert done.output.startswith(f"coopbench: interrupted; {truth}")
