"""Standard output and error that are closed, full, broken, or of another encoding."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import cli
from benchmark.core.streams import say
from results.scores.names import safe_name
from results.scores.score_table import COLUMNS
from tests.helpers.forked import FEW_FIGURES, run_forked

HEADER = ",".join(COLUMNS)
ODD = "\x1b]0;owned\x07\u202eevil"
FORMULA = "=HYPERLINK(x)"


def shell(line: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """``coopbench`` with the words and redirections of a shell's line."""
    names = {"OMP_NUM_THREADS": "1", "PYTHON": sys.executable, "FEW_FIGURES": FEW_FIGURES}
    environment = os.environ | names | environment
    how = '-c "$FEW_FIGURES"' if line.startswith("coopbench report") else "-m benchmark"
    return subprocess.run(
        ["bash", "-c", line.replace("coopbench", f'"$PYTHON" {how}')],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )


@pytest.fixture(scope="module")
def scores(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of two models, one called by odd bytes, in a folder to work in."""
    folder = tmp_path_factory.mktemp("streams")
    rows = [
        f'"{model}",0,40,{test_set},{subject:03d},0,ED,{structure},{output},0.{digit},3.5,0.8,'
        for digit, model in ((8, "plain"), (9, ODD))
        for test_set in ("ACDC", FORMULA)
        for subject in range(3)
        for structure in ("LV", "MYO", "RV")
        for output in ("FTN", "FTN+STN")
    ]
    (folder / "s.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    (folder / "data").symlink_to(data)
    return folder


REPORT = "coopbench report --scores s.csv --data data --runs none --reference plain --no-pictures"


SOON_SAID = ("--version", "new-method my-own my-own")
"""Commands that need no PyTorch."""


@pytest.mark.slow
@pytest.mark.parametrize("command", [*SOON_SAID, "methods", "recipes", "methods proposed"])
@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("> /dev/full", 1, "coopbench: standard output: No space left on device"),
        ("> /dev/full 2>&1", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(
    command: str, redirection: str, code: int, said: str, tmp_path: Path
) -> None:
    telling = ("<&- >&- 2>&-", "> /dev/full") if command == "methods" else ("> /dev/full",)
    if command not in SOON_SAID and redirection not in telling:
        pytest.skip("the others tell no more of commands that import for a second")
    done = shell(f"coopbench {command} {redirection}", tmp_path)
    assert (done.returncode, done.stderr.strip()) == (code, said)


@pytest.mark.slow
def test_a_pipe_that_is_broken_is_no_traceback(tmp_path: Path) -> None:
    done = shell("coopbench methods | true; echo ${PIPESTATUS[0]}", tmp_path)
    assert done.stdout.strip() in ("0", "1") and not done.stderr


@pytest.mark.slow
def test_what_an_encoding_lacks_is_replaced(tmp_path: Path) -> None:
    whole = CliRunner().invoke(cli, ["methods", "proposed"])
    done = shell("coopbench methods proposed", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.isascii() and not whole.stdout.isascii()


def test_what_cannot_be_said_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    say("a line")


@pytest.mark.slow
@pytest.mark.parametrize("redirection", [">&-", "2>/dev/full >&-"])
def test_a_report_is_whole_without_a_standard_output(redirection: str, scores: Path) -> None:
    done = shell(f"{REPORT} --out out {redirection}", scores)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (scores / "out" / "report.html").is_file()


@pytest.mark.slow
def test_names_from_files_are_shown_safely(scores: Path) -> None:
    done = run_forked(FEW_FIGURES, [*REPORT.split()[1:], "--out", "shown"], cwd=scores)
    assert done.returncode == 0, done.stderr
    files = [path for path in (scores / "shown").rglob("*.*") if path.suffix in (".csv", ".txt")]
    files += [*(scores / "shown").rglob("*.md"), scores / "shown" / "report.html"]
    assert len(files) > 5
    for text in (done.stdout, done.stderr, *(path.read_text("utf-8") for path in files)):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    for path in (scores / "shown").rglob("*.csv"):
        cells = path.read_text("utf-8").replace('"', "").replace("\n", ",").split(",")
        assert not [cell for cell in cells if cell.startswith(("=", "@"))], path
    assert r"\x1b]0;owned\x07\u202eevil" in (scores / "shown" / "scores.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("M&Ms", "M&Ms"),
        ("zoë", "zoë"),
        ("=1+2", "'=1+2"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-x", "'-x"),
        ("-1.5", "-1.5"),
        ("+3", "+3"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
    ],
)
def test_safe_names(name: str, shown: str) -> None:
    assert safe_name(name) == shown
    assert safe_name(shown) == shown
