"""The command beside folders of its packages' names, and under other encodings."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.nifti import write_volume
from tests.helpers.acdc_files import ACDC_AFFINE, heart

COMMAND = Path(sys.executable).with_name("coopbench")
pytestmark = pytest.mark.skipif(not COMMAND.exists(), reason="the command is not installed here")


def run(*words: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, env=kept | env, capture_output=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("package", [False, True], ids=["plain", "package"])
def test_folders_of_the_packages_names_are_not_in_the_way(package: bool, tmp_path: Path) -> None:
    for name in ("benchmark", "results"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("my own\n")
        if package:
            (tmp_path / name / "__init__.py").touch()
    _, label = heart(np.random.default_rng(0), size=40)
    for folder in ("labels", "predictions"):
        write_volume(tmp_path / folder / "001_ED.nii.gz", label, ACDC_AFFINE)
    words = ("score", "predictions", "labels", "--workers", 1)
    ways = [((COMMAND,), {}), ((COMMAND,), {"PYTHONPATH": "."})]
    if not package:  # there Python itself says that the user's package has no __main__
        ways.append(((sys.executable, "-m", "benchmark"), {}))
    for command, env in ways:
        done = run(*command, *words, cwd=tmp_path, **env)
        assert done.returncode == 0, done.stderr.decode()
        assert b"1 of 1 volumes, mean Dice 1.0000" in done.stdout


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_output_in_another_encoding(encoding: str, tmp_path: Path) -> None:
    code = (
        "from benchmark.core.output import write_readably; write_readably(); "
        "print('0.51⁺ ± 0.02, Dice ≥ 0.5 … Köln ‡ 心')"
    )
    done = run(sys.executable, "-c", code, cwd=Path.cwd(), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode(encoding).strip()
    plus_minus, city = ("+/-", "Koln") if encoding == "ascii" else ("±", "Köln")
    dots, mark = ("…", "‡") if encoding == "cp1252" else ("...", "#")
    assert text == f"0.51+ {plus_minus} 0.02, Dice >= 0.5 {dots} {city} {mark} ?"
