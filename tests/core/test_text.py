"""Text files from a spreadsheet, an editor, or another system."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import CoopbenchError
from benchmark.core.files import read_json
from benchmark.core.text import decode, plain_csv, read_table
from benchmark.data.acdc import read_acdc
from benchmark.data.mnms import read_mnms
from corruptions.declared import DeclaredRecipe
from results.scores.score_table import read_scores
from tests.helpers.acdc_files import write_acdc

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
LINE_ENDS = ("\n", "\r\n", "\r")


@given(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=4),
    st.sampled_from(ENCODINGS),
    st.sampled_from(LINE_ENDS),
)
def test_any_encoding_and_line_end(line: str, encoding: str, end: str) -> None:
    assert decode(f"{line}{end}{line}".encode(encoding)) == f"{line}\n{line}"


def test_what_is_no_unicode_is_western_european() -> None:
    assert decode("Gerät: Größe".encode("cp1252")) == "Gerät: Größe"


@pytest.mark.parametrize(
    "text",
    [
        'name,value\n"a, b",1.5\n',
        "name, value\n a, 1.5\n".replace(" a", '"a, b"'),
        'name;value\n"a, b";1,5\n',
        "name\tvalue\na, b\t1,5\n",
    ],
)
def test_separators_blanks_and_decimal_commas(text: str) -> None:
    assert plain_csv(text) == 'name,value\n"a, b",1.5\n'


TABLE = "External code,Vendor,Centre,ED,ES\nA1,A,1,0,9\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("between", [",", ";", ", ", "\t"])
@pytest.mark.parametrize("end", LINE_ENDS)
def test_table_of_mnms(encoding: str, between: str, end: str, tmp_path: Path) -> None:
    (tmp_path / "A1").mkdir()
    (tmp_path / "A1" / "A1_sa.nii.gz").touch()
    text = TABLE.replace(",", between).replace("\n", end)
    (tmp_path / "info.csv").write_bytes(text.encode(encoding))
    found = read_mnms(tmp_path)
    assert found.faults == ()
    assert [frame.index for frame in found.subjects[0].frames.values()] == [0, 9]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", LINE_ENDS)
def test_info_cfg_recipe_json_and_scores(encoding: str, end: str, tmp_path: Path) -> None:
    def save(path: Path, text: str) -> Path:
        path.write_bytes(text.replace("\n", end).encode(encoding))
        return path

    raw = write_acdc(tmp_path / "raw", 1, size=40)
    save(raw / "training" / "patient001" / "Info.cfg", "ED: 1\nES: 7\nGroup: NOR\n")
    assert list(read_acdc(raw).subjects[0].frames) == ["ED", "ES"]
    recipe = save(
        tmp_path / "mine.toml",
        'format = "coopbench-recipe-1"\nname = "mine"\ntitle = "Mine"\nversion = 1\ndraws = 1\n'
        'field = 192\nunits = "mm"\n[kinds.Noise]\ncorruption = "noise"\nseverities = [1]\n',
    )
    assert DeclaredRecipe.read(recipe).name == "mine"
    assert read_json(save(tmp_path / "a.json", '{"a":\n1}')) == {"a": 1}
    header = "method,repeat,seed,test_set,subject,draw,frame,structure,output,dice,hd95_mm,absent\n"
    rows = "".join(f"mine,0,0,ACDC,007,0,ED,{one},FTN,0.5,3.25,\n" for one in ("LV", "MYO", "RV"))
    for between in (",", ";"):
        text = (header + rows).replace(",", between)
        if between == ";":
            text = text.replace("0.5", "0,5").replace("3.25", "3,25")
        scores = read_scores(save(tmp_path / "scores.csv", text))
        assert scores["dice"].tolist() == [0.5] * 3 and scores["hd95_mm"].tolist() == [3.25] * 3
        assert set(scores["subject"].astype(str)) == {"007"}


def test_missing_and_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CoopbenchError, match="no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "torn.csv").write_bytes(b"\xff\xfea\x00b\x00\x00\xd8")
    with pytest.raises(CoopbenchError, match=r"torn\.csv: is not a text file"):
        read_table(tmp_path / "torn.csv")
