"""Compressed volumes are read to their end, where their checksum is."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import CoopbenchError
from benchmark.data import nifti
from benchmark.data.nifti import read_frames, read_image, read_shape, read_volume
from tests.helpers.broken_nifti import valid

DATA = np.random.default_rng(0).integers(0, 4000, (40, 40, 5)).astype(np.int16)
RAW = valid(DATA, np.eye(4))
WHOLE = gzip.compress(RAW)


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place:][1:]


BROKEN = {
    "checksum": changed(WHOLE, len(WHOLE) - 6),
    "length": changed(WHOLE, len(WHOLE) - 2),
    "no end": WHOLE[:-4],
    "trailing bytes": WHOLE + b"something else",
    "broken second part": gzip.compress(RAW[:600]) + changed(gzip.compress(RAW[600:]), -6),
}


@pytest.mark.parametrize("read", [read_volume, read_frames, read_image])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_its_end_belies_is_refused(kind: str, read: type, tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(CoopbenchError, match=r"a.nii.gz: cannot be read as NIfTI \(") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert read_shape(path)[0] == DATA.shape  # which reads no voxel


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        WHOLE + bytes(64),  # what tapes and file systems fill up with
        gzip.compress(RAW[:600]) + gzip.compress(RAW[600:]),
        gzip.compress(RAW + b"\n"),
    ],
    ids=["plain", "filled up", "two parts", "a byte more"],
)
def test_what_is_sound_is_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_volume(path).data, DATA)


def test_what_unpacks_to_far_more_is_not_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nifti, "MAX_EXCESS", 2**17)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(WHOLE + gzip.compress(bytes(2**20)))
    with pytest.raises(CoopbenchError, match="unpacks to more than the"):
        read_volume(path)
