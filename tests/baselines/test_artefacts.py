"""The batched artefacts against TorchIO's transforms, slice by slice."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.artefacts import EXPONENTS, bias_field, ghosting, motion, spike
from baselines.image_aug import CHANGES, ImageAug
from benchmark.methods.method import Batch, RandomStream
from benchmark.networks.dual import DualThinkingNetwork

tio = pytest.importorskip("torchio", reason="TorchIO is what the artefacts are compared with")
CPU = torch.device("cpu")


@pytest.fixture
def image() -> Tensor:
    """Four smooth slices of an odd shape, in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(4, 1, 6, 5, generator=generator)
    return torch.nn.functional.interpolate(coarse, (48, 40), mode="bicubic").clamp(0, 1)


def torchio(transform: Any, slice_: Tensor) -> Tensor:
    """TorchIO's transform of a slice (H, W), as a volume of one."""
    subject = tio.Subject(image=tio.ScalarImage(tensor=slice_[None, :, :, None], affine=np.eye(4)))
    return transform(subject).image.data[0, :, :, 0]


def test_bias_field(image: Tensor) -> None:
    coefficients = torch.rand(4, 10, generator=torch.Generator().manual_seed(1)) - 0.5
    ours = bias_field(image, coefficients)
    for slice_, own, drawn in zip(image, ours, coefficients, strict=True):
        # TorchIO counts powers of z too, which are nothing in one slice.
        listed = []
        for i in range(4):
            for j in range(4 - i):
                for k in range(4 - i - j):
                    listed.append(float(drawn[EXPONENTS.index((i, j))]) if k == 0 else 0.3)
        theirs = torchio(tio.BiasField(coefficients=listed, order=3), slice_[0])
        torch.testing.assert_close(own[0], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_ghosting(axis: int, image: Tensor) -> None:
    ghosts = torch.tensor([4.0, 7, 10, 5])
    intensity = torch.tensor([0.5, 0.8, 1.0, 0.0])
    along_rows = torch.full((4,), axis == 0)
    ours = ghosting(image, ghosts, along_rows, intensity, restored=0.1)
    for k in range(4):
        transform = tio.Ghosting(
            num_ghosts=int(ghosts[k]), axis=axis, intensity=float(intensity[k]), restore=0.1
        )
        theirs = torchio(transform, image[k, 0])
        torch.testing.assert_close(ours[k, 0], theirs, rtol=1e-4, atol=1e-5)


def test_spike(image: Tensor) -> None:
    position = torch.rand(4, 2, generator=torch.Generator().manual_seed(2))
    intensity = torch.tensor([1.0, 2.0, 3.0, 0.0])
    ours = spike(image, position, intensity)
    for k in range(4):
        place = np.array([[*position[k].tolist(), 0.0]])
        theirs = torchio(
            tio.Spike(spikes_positions=place, intensity=float(intensity[k])), image[k, 0]
        )
        torch.testing.assert_close(ours[k, 0], theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("times", [(0.3, 0.7), (0.2, 0.4), (0.6, 0.9)])
def test_motion(times: tuple[float, float], image: Tensor) -> None:
    """Columns are TorchIO's last axis, so the slice goes in as (1, H, W), as in ACDC-C."""
    degrees, translation = torch.tensor([[20.0, -12.0]]), torch.tensor([[[4.0, -3.0], [2.0, 5.0]]])
    ours = motion(image[:1], degrees, translation, torch.tensor([times]))[0, 0]
    subject = tio.Subject(image=tio.ScalarImage(tensor=image[:1, 0][None], affine=np.eye(4)))
    nearest = np.inf
    for signs in np.ndindex(2, 2, 2):  # whose conventions of sign and order are not ours
        turn, down, right = 1 - 2 * np.array(signs)
        for swap in (False, True):
            moves = translation[0].numpy()[:, ::-1] if swap else translation[0].numpy()
            transform = tio.Motion(
                degrees=np.array([[turn * angle, 0, 0] for angle in degrees[0].tolist()]),
                translation=np.array([[0, down * a, right * b] for a, b in moves]),
                times=np.array(times),
                image_interpolation="linear",
            )
            theirs = transform(subject).image.data[0, 0]
            nearest = min(nearest, float((ours - theirs).abs().mean()))
    plain = float((ours - image[0, 0]).abs().mean())
    assert plain > 0.01  # it did move
    assert nearest < 0.01 * plain, (nearest, plain)


def test_nothing_drawn_is_the_identity(image: Tensor) -> None:
    none = torch.zeros(4, 2)
    for unchanged in (
        bias_field(image, torch.zeros(4, 10)),
        ghosting(image, torch.full((4,), 4.0), torch.ones(4, dtype=torch.bool), none[:, 0], 0.02),
        spike(image, none, none[:, 0]),
        motion(image, none, torch.zeros(4, 2, 2), torch.tensor([[0.3, 0.6]]).expand(4, 2)),
    ):
        torch.testing.assert_close(unchanged, image, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", list(CHANGES))
def test_every_kind_changes_each_image_by_itself(kind: str, image: Tensor) -> None:
    changed = CHANGES[kind](image, RandomStream.named(CPU, 0))  # type: ignore[index]
    assert changed.shape == image.shape and torch.isfinite(changed).all()
    assert all(not torch.equal(a, b) for a, b in zip(changed, image, strict=True))
    same = image[:1].expand(4, 1, -1, -1)
    alike = CHANGES[kind](same, RandomStream.named(CPU, 0))  # type: ignore[index]
    assert not torch.allclose(alike[0], alike[1])


def test_what_was_seen_in_training_is_remarked() -> None:
    assert "bias, ghosting, motion, spike" in ImageAug().remark
    assert "spike" in ImageAug(kinds="gamma,spike").remark
    assert "(gamma, cutout)" in ImageAug(kinds="gamma,cutout").remark  # of other recipes' sets
    with pytest.raises(ValueError, match="kinds"):
        ImageAug(kinds="")


def test_kinds_are_all_drawn(
    network: DualThinkingNetwork, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_gamma = ImageAug(kinds="gamma").losses(network, batch, RandomStream.named(CPU, 0))
    assert {"hard_segmentation", "hard_reconstruction", "hard_shape"} < set(only_gamma)
    drawn: list[str] = []
    for kind in CHANGES:

        def change(image: Tensor, stream: RandomStream, kind: str = kind) -> Tensor:
            drawn.append(kind)
            return image

        monkeypatch.setitem(CHANGES, kind, change)
    for name in ("standard_losses", "hard_losses"):  # which take most of the time
        monkeypatch.setattr(f"baselines.image_aug.{name}", lambda *_, **__: ({}, None))
    for seed in range(60):
        ImageAug().losses(network, batch, RandomStream.named(CPU, seed))
    assert len(drawn) == 60 and set(drawn) == set(CHANGES)
    drawn.clear()
    for seed in range(20):
        ImageAug(kinds="gamma,spike").losses(network, batch, RandomStream.named(CPU, seed))
    assert set(drawn) == {"gamma", "spike"}
