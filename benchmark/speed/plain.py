"""The same training written plainly: what the harness is measured against, and checked by.

Float32, tensors contiguous, PyTorch's layers as they come, an optimiser for each part of the
network, slices augmented one by one on the CPU, and every mask with decoder passes of its own: the
way such code is usually written. The mathematics are those of the harness; a test compares losses
and gradients.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor, nn

from benchmark.core.seeding import derive_seed
from benchmark.data.field import centre_field, scale_slices
from benchmark.data.slices import TrainingSlices
from benchmark.inference.prediction import FIELD, OUTPUTS
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


def augment_slice(
    image: Image, label: Label, crop: int, settings: Augmentation, rng: np.random.Generator
) -> tuple[Image, Label]:
    """One slice (S, S) and its label, randomly deformed and re-toned: (crop, crop) each.

    The ranges and the order of `benchmark.training.augmentation.augment`, for a single slice.
    """
    middle = (crop - 1) / 2 + (image.shape[0] - crop) // 2
    offset = (image.shape[0] - crop) // 2
    rows, columns = np.mgrid[0:crop, 0:crop].astype(np.float64) + offset
    if rng.random() < settings.elastic:
        sigma = crop * rng.uniform(*settings.elastic_sigma)
        strength = crop * rng.uniform(*settings.elastic_strength)
        noise = rng.uniform(-1, 1, (2, crop, crop))
        smooth = [gaussian_filter(one, sigma, mode="constant", truncate=3) for one in noise]
        rows, columns = rows + strength * smooth[0], columns + strength * smooth[1]
    x = columns - middle - crop * rng.uniform(-settings.shift, settings.shift)
    y = rows - middle - crop * rng.uniform(-settings.shift, settings.shift)
    angle = rng.uniform(-settings.rotation, settings.rotation)
    if settings.eighth_turns:
        angle += 45 * rng.integers(8)
    zoom = rng.uniform(*settings.zoom)
    cos, sin = np.cos(np.deg2rad(angle)) / zoom, np.sin(np.deg2rad(angle)) / zoom
    x, y = cos * x - sin * y, sin * x + cos * y
    if rng.random() < settings.flip:
        x = -x
    if rng.random() < settings.flip:
        y = -y
    positions = np.stack([y + middle, x + middle])
    warped = map_coordinates(image, positions, order=1, mode="constant")
    warped_label = map_coordinates(label, positions, order=0, mode="constant")
    if rng.random() < settings.intensity:
        low, high = warped.min(), warped.max()
        toned = (warped - warped.mean()) * rng.uniform(*settings.contrast) + warped.mean()
        toned += rng.uniform(-settings.brightness, settings.brightness) * (high - low)
        warped = toned.clip(low, high)
    return scale_slices(warped[None])[0].astype(np.float32), warped_label


class _PlainUp(Up):
    def forward(self, x: Tensor) -> Tensor:
        return self.block(F.interpolate(x, scale_factor=2, mode="nearest"))


class _PlainDoublingConv2d(DoublingConv2d):
    forward = nn.ConvTranspose2d.forward


def plain_network(seed: int) -> DualThinkingNetwork:
    """The network with the same weights and functions, of PyTorch's own layers."""
    network = DualThinkingNetwork(seed)
    plain: dict[type, type] = {Up: _PlainUp, DoublingConv2d: _PlainDoublingConv2d}
    for part in network.modules():
        part.__class__ = plain.get(type(part), type(part))
    return network


def plain_losses(
    method: Method, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
) -> dict[str, Tensor]:
    """A method's losses; those of cooperative training with passes of their own for each mask."""
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
    """As `benchmark.training.learner.Learner`, written plainly."""

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

    def draw_batch(self, step: int) -> Batch:
        """The batch of a step, its slices augmented one by one."""
        training = self.config.training
        rng = np.random.default_rng(derive_seed(self.config.seed, "plain", step))
        chosen = rng.choice(len(self.slices), training.batch // 2)
        pairs = [
            augment_slice(self.images[n], self.labels[n], training.crop, training.augmentation, rng)
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
    """As `benchmark.inference.prediction.predict_field`, in float32 and slice by slice."""
    network.eval()
    found: dict[str, list[Label]] = {output: [] for output in OUTPUTS}
    for image in scale_slices(centre_field(slices, size)):
        logits = network(torch.from_numpy(image)[None, None].to(device))
        for output, scores in zip(OUTPUTS, (logits, network.refine(logits)), strict=True):
            found[output].append(scores[0].argmax(dim=0).to(torch.uint8).cpu().numpy())
    return {output: centre_field(np.stack(maps), FIELD) for output, maps in found.items()}
