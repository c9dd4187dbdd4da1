"""What the documents name is there."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.data.dataset import evaluated_cases, find_datasets
from benchmark.data.nifti import write_volume
from benchmark.runs.config import resolve
from tests.helpers.acdc_files import ACDC_AFFINE, heart
from tests.helpers.forked import run_forked

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in PAGES}


def imports_in(text: str) -> list[tuple[str, str]]:
    """Module and name of each import from our packages in the Python examples of a page."""
    return [
        (node.module, alias.name)
        for code in re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom)
        and node.module is not None
        and node.module.partition(".")[0] in ("benchmark", "baselines", "corruptions", "results")
        for alias in node.names
    ]


@pytest.mark.parametrize("page", TEXTS)
def test_names_said_to_be_in_a_module_are_in_it(page: str) -> None:
    """As in: `name(arguments)` from `package.module`."""
    for name, module in re.findall(r"`(\w+)[^`]*` from `([\w.]+)`", TEXTS[page]):
        assert hasattr(importlib.import_module(module), name), f"{name} from {module}"


@pytest.mark.parametrize("page", TEXTS)
def test_imports_in_examples_work(page: str) -> None:
    for module, name in imports_in(TEXTS[page]):
        assert hasattr(importlib.import_module(module), name), f"{name} from {module}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "tools"))
    import generated

    made = {(ROOT / "docs" / page.path).resolve() for page in generated.pages()}
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            leads = page.parent / target
            assert leads.exists() or leads.resolve() in made, target


def test_there_is_something_to_check() -> None:
    """The patterns above find what they look for, whatever a page by itself holds."""
    every = "\n".join(TEXTS.values())
    assert len(re.findall(r"`(\w+)[^`]*` from `([\w.]+)`", every)) > 1
    assert len(imports_in(every)) > 5


@pytest.mark.slow
def test_data_of_ones_own_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXTS["docs/own-data.md"], flags=re.S)
    rng = np.random.default_rng(0)
    for number in range(1, 5):
        for name in ("ed", "es"):
            image, label = heart(rng, size=60)
            stem = tmp_path / "raw" / f"{number:03d}" / name
            write_volume(Path(f"{stem}.nii.gz"), image, ACDC_AFFINE)
            theirs = np.array([0, 600, 200, 500], dtype=np.int16)[label]
            write_volume(Path(f"{stem}_label.nii.gz"), theirs, ACDC_AFFINE)
    (tmp_path / "prepare_hospital.py").write_text(code)
    subprocess.run([sys.executable, "prepare_hospital.py"], cwd=tmp_path, check=True)
    (dataset,) = find_datasets(tmp_path / "data")
    assert dataset.title == "Hospital" and len(dataset.cases) == 4
    assert [case.subject for case in evaluated_cases(dataset)] == ["004"]
    config = resolve("standard", dataset, preset="demo", repeat=0, overrides=["train_set=hospital"])
    assert config.data.train == ("001", "002")


@pytest.mark.parametrize("page", TEXTS)
def test_options_in_commands_exist(page: str) -> None:
    from benchmark.cli import cli

    for line in re.findall(r"^coopbench (.+)$", TEXTS[page].replace("\\\n", " "), flags=re.M):
        words = line.split("#")[0].split()
        if words == ["--help"]:
            continue
        command = cli.commands.get(words[0])
        assert command is not None, line
        if hasattr(command, "commands") and len(words) > 1:
            command = command.commands.get(words[1], command)
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {name for parameter in command.params for name in parameter.secondary_opts}
        for word in words[1:]:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{word} in: coopbench {line}"


@pytest.mark.slow
def test_monai_as_the_page_says(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("monai")
    (code,) = re.findall(r"```python\n(.*?)```", TEXTS["docs/other-frameworks.md"], flags=re.S)
    script = tmp_path / "monai_unet.py"
    script.write_text(code)
    out = tmp_path / "monai"
    program = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    done = run_forked(program, [data, 3, out])
    assert done.returncode == 0, done.stderr
    words = ["score", out, data, "--name", "MONAI", "--out", tmp_path / "m.csv", "--workers", "1"]
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "warning" not in result.output
    assert "ACDC: 2 of 2 volumes" in result.output
