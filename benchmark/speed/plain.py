"""The same training in plain code, to measure and to check the harness.

It is written in the usual way: float32, contiguous tensors, PyTorch's own layers, an optimiser for
each part of the network, slices augmented one by one on the CPU, and separate decoder passes for
every mask. The mathematics is that of the harness; a test compares losses and gradients.
"""

from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor, nn

from benchmark.core.seeding import derive_seed
from benchmark.data.field import FIELD, centre_field, scale_slices
from benchmark.data.labels import STRUCTURES
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import OUTPUTS
from benchmark.methods.cooperative import Cooperative
from benchmark.methods.losses import hard_losses, hard_pass, shape_loss, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.batch_norm import untraced_statistics
from benchmark.networks.decoder import Up
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.networks.upsampling import DoublingConv2d
from benchmark.runs.config import Augmentation, RunConfig

Image = NDArray[np.float32]
Label = NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)


def augment_slice(
    image: Image, label: Label, crop: int, settings: Augmentation, rng: np.random.Generator
) -> tuple[Image, Label]:
    """Augment one padded slice (H, W) and its label; returns (crop, crop) each.

    Ranges, order and borders are those of `benchmark.training.augmentation.augment`.
    """
    sides = np.array(image.shape)[:, None, None]
    edge = (sides - 1) / 2
    lengths = sides if settings.pad else np.full_like(sides, crop)
    length = settings.pad or crop
    at = np.mgrid[0:crop, 0:crop] + (sides - crop) // 2 - edge
    if rng.random() < settings.elastic:
        sigma = length * rng.uniform(*settings.elastic_sigma)
        strength = length * rng.uniform(*settings.elastic_strength)
        noise = rng.uniform(-1, 1, (2, max(length, crop), max(length, crop)))
        smooth = [gaussian_filter(one, sigma, mode="constant") for one in noise]
        at = at + strength * centre_field(np.stack(smooth), crop)
    shift = lengths * rng.uniform(-settings.shift, settings.shift, (2, 1, 1))
    turn = _rotate(45.0 * rng.integers(8) * settings.eighth_turns)
    rotation = _rotate(rng.uniform(-settings.rotation, settings.rotation))
    zoom = rng.uniform(*settings.zoom, (2, 1, 1))
    sign = 1.0 - 2.0 * (rng.random((2, 1, 1)) < settings.flip)
    kept = settings.border == "edge"
    if kept:
        beyond = (np.abs(at) - edge).clip(0)
        at = (at - 2 * beyond * np.sign(at)).clip(-edge, edge)
    if settings.affine_of == "image":
        at = at - shift
    at = np.einsum("ij,jhw->ihw", turn, at)
    at = at.clip(-edge, edge) if kept else at
    if settings.affine_of == "grid":
        at = np.einsum("ij,jhw->ihw", rotation, zoom * at + shift)
    else:
        at = np.einsum("ij,jhw->ihw", rotation, at / zoom[0])
    at = at.clip(-edge, edge) if kept else at
    at = sign * at + edge
    draw = rng.uniform(*settings.contrast), rng.uniform(-settings.brightness, settings.brightness)
    toned = rng.random() < settings.intensity
    if toned and settings.contrast_about == "zero":
        image = (image * draw[0] + draw[1]).clip(image.min(), image.max())
    warped = map_coordinates(image, at, order=1, mode="constant")
    if settings.labels == "nearest":
        warped_label = map_coordinates(label, at, order=0, mode="constant")
    else:
        warped_label = np.zeros_like(label, shape=warped.shape)
        for value in STRUCTURES:
            share = map_coordinates((label == value).astype(np.float32), at, order=1)
            warped_label[share > 0.5] = value
    if toned and settings.contrast_about == "mean":
        low, high = warped.min(), warped.max()
        changed = (warped - warped.mean()) * draw[0] + warped.mean() + draw[1] * (high - low)
        warped = changed.clip(low, high)
    return scale_slices(warped[None])[0].astype(np.float32), warped_label


def _rotate(degrees: float) -> NDArray[np.float64]:
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def inside_padding(canvas: NDArray[T], sides: NDArray[np.int64]) -> NDArray[T]:
    """The padded slice (H, W) of ``sides`` in the middle of its canvas (S, S)."""
    top, left = (canvas.shape[0] - sides) // 2
    return canvas[top : top + sides[0], left : left + sides[1]]


class _PlainUp(Up):
    def forward(self, x: Tensor) -> Tensor:
        return self.block(F.interpolate(x, scale_factor=2, mode="nearest"))


class _PlainDoublingConv2d(DoublingConv2d):
    forward = nn.ConvTranspose2d.forward


def plain_network(seed: int) -> DualThinkingNetwork:
    """The network with the same weights and functions, from PyTorch's own layers."""
    network = DualThinkingNetwork(seed)
    plain: dict[type, type] = {Up: _PlainUp, DoublingConv2d: _PlainDoublingConv2d}
    for part in network.modules():
        part.__class__ = plain.get(type(part), type(part))
    return network


def plain_losses(
    method: Method, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
) -> dict[str, Tensor]:
    """A method's losses; for cooperative training, with separate passes for each mask."""
    if not isinstance(method, Cooperative):
        return method.losses(network, batch, stream)
    settings = method.settings
    separate, batch_norm = settings.separate, settings.hard_batch_norm
    losses, forward = standard_losses(
        network, batch, separate=separate, stn_first=settings.stn_first
    )
    if kinds := settings.image_masks:
        with untraced_statistics(network):
            code = forward.image_code.detach().requires_grad_()
            loss = F.mse_loss(network.reconstruct(code), batch.clean)
            masked = method.mask(code, loss, kinds, stream)
            with torch.no_grad():
                image = network.reconstruct(masked)
        losses |= hard_losses(network, image, batch, separate=separate, batch_norm=batch_norm)[0]
    if kinds := settings.shape_masks:
        with untraced_statistics(network):
            code = forward.shape_code.detach().requires_grad_()
            loss = F.cross_entropy(network.segment(code), batch.label)
            masked = method.mask(code, loss, kinds, stream)
            with torch.no_grad():
                logits = network.segment(masked)
        with hard_pass(network, batch_norm):
            losses["hard_shape_of_generated"] = shape_loss(network, logits, batch.label)
    return losses


class PlainLearner:
    """A `benchmark.training.learner.Learner` in plain code."""

    def __init__(self, config: RunConfig, slices: TrainingSlices) -> None:
        self.config, self.slices, self.device = config, slices, slices.device
        self.method = config.build_method()
        self.network = plain_network(derive_seed(config.seed, "weights")).to(self.device)
        self.optimisers = [
            torch.optim.Adam(part.parameters(), lr=config.training.learning_rate)
            for part in self.network.children()
        ]
        self.images = slices.images[:, 0].cpu().numpy()
        self.labels = slices.labels[:, 0].cpu().numpy()
        self.sides = slices.sides.cpu().numpy()

    def draw_batch(self, step: int) -> Batch:
        """The batch of a step, its slices augmented one by one."""
        training = self.config.training
        rng = np.random.default_rng(derive_seed(self.config.seed, "plain", step))
        chosen = rng.choice(len(self.slices), training.batch // 2)
        pairs = [
            augment_slice(
                inside_padding(self.images[n], self.sides[n]),
                inside_padding(self.labels[n], self.sides[n]),
                training.crop,
                training.augmentation,
                rng,
            )
            for n in chosen
        ]
        for n in chosen:
            image = scale_slices(centre_field(self.images[n][None], training.crop))[0]
            pairs.append((image, centre_field(self.labels[n][None], training.crop)[0]))
        clean = torch.from_numpy(np.stack([image for image, _ in pairs]))[:, None]
        label = torch.from_numpy(np.stack([label for _, label in pairs])).long()
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy = (clean + training.noise * torch.from_numpy(noise)).clamp(0, 1)
        return Batch(noisy.to(self.device), clean.to(self.device), label.to(self.device))

    def learn(self, step: int, total: int) -> dict[str, Tensor]:
        """Take a step (from 0) of ``total``, at the first learning rate; returns its losses."""
        stream = RandomStream.named(self.device, self.config.seed, self.config.method, step)
        return self.minimise(self.draw_batch(step), stream)

    def minimise(self, batch: Batch, stream: RandomStream) -> dict[str, Tensor]:
        """Minimise the sum of the method's losses on a batch by one step; returns them."""
        self.network.train()
        losses = plain_losses(self.method, self.network, batch, stream)
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        sum(losses.values(), torch.zeros((), device=self.device)).backward()
        for optimiser in self.optimisers:
            optimiser.step()
        return {name: loss.detach() for name, loss in losses.items()}


@torch.no_grad()
def plain_prediction(
    network: DualThinkingNetwork, slices: Image, *, size: int, device: torch.device
) -> dict[str, Label]:
    """Plain code for `benchmark.inference.prediction.predict_field`: float32, slice by slice."""
    network.eval()
    found: dict[str, list[Label]] = {output: [] for output in OUTPUTS}
    for image in scale_slices(centre_field(slices, size)):
        logits = network(torch.from_numpy(image)[None, None].to(device))
        for output, scores in zip(OUTPUTS, (logits, network.refine(logits)), strict=True):
            found[output].append(scores[0].argmax(dim=0).to(torch.uint8).cpu().numpy())
    return {output: centre_field(np.stack(maps), FIELD) for output, maps in found.items()}
