"""Cutout and mixup.

Two published methods, each in some lines. Cutout (DeVries and Taylor, 2017) changes the image and
keeps the label, so that it is a method of `hard_losses`. Mixup (Zhang et al., ICLR 2018) mixes
images and labels, so that it writes its own losses. Both are then trained for some steps.

    python cutout_and_mixup.py              # on ./data, else the phantom
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from benchmark import methods
from benchmark.cli.options import locate_data
from benchmark.data.dataset import read_dataset, read_splits
from benchmark.data.slices import TrainingSlices
from benchmark.methods import (
    Batch,
    DualThinkingNetwork,
    Method,
    RandomStream,
    hard_losses,
    standard_losses,
    think_fast,
)

# %% Cutout: the image changes
# `batch.clean` is x, float (N, 1, H, W) in [0, 1]. A square of it becomes 0, elsewhere in each
# image: `stream.rand(N, 1, 1, 1)` is uniform in [0, 1), a number for each. `hard_losses` compares
# the segmentation with the whole label, and the reconstruction with the whole x: the network has
# to fill in what it does not see.


class Cutout(Method):
    """L_standard, and the hard losses on images with a square of zeros."""

    title = "Cutout"
    summary = "a random square of the image becomes zero"
    reference = "DeVries and Taylor, arXiv:1708.04552, 2017"

    class Settings(methods.Settings):
        """Settings of the square."""

        side: float = Field(0.25, gt=0, le=1)
        """Its side, as a share of the image's height and width. Its centre may lie anywhere in the
        image, so that a part of it may lie outside."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """Four terms on x̃, three on the image that was cut."""
        losses, _ = standard_losses(network, batch)
        hard, _ = hard_losses(network, self.cut(batch.clean, stream), batch)
        return losses | hard

    def cut(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Images (N, 1, H, W), each with a square of its own."""
        count, _, height, width = image.shape
        row = (torch.arange(height, device=image.device).view(1, 1, -1, 1) + 0.5) / height
        column = (torch.arange(width, device=image.device).view(1, 1, 1, -1) + 0.5) / width
        y, x = stream.rand(count, 1, 1, 1), stream.rand(count, 1, 1, 1)
        half = self.settings.side / 2
        return image.masked_fill(((row - y).abs() < half) & ((column - x).abs() < half), 0)


# %% Mixup: image and label change
# `stream.permutation(N)` gives the numbers below N in random order, to index the batch with, and
# `stream.beta(a, a, N, 1, 1, 1)` a share λ for each image. A mixed image belongs to two labels: the
# loss is λ times that of the one, and 1 − λ times that of the other. `think_fast` runs both
# branches of the FTN. The reconstruction of a mixed x̃ is compared with the mixed x. Mixed labels
# are no hearts, so that the STN trains on the plain batch alone, in `standard_losses`.


class Mixup(Method):
    """L_standard, and segmentation and reconstruction of mixed images."""

    title = "Mixup"
    summary = "images are mixed in pairs, and so are the losses of their labels"
    reference = "Zhang et al., ICLR 2018"

    class Settings(methods.Settings):
        """Settings of the mixture."""

        alpha: float = Field(0.2, gt=0)
        """λ is distributed as Beta(alpha, alpha)."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """Four terms on x̃, two on its mixture."""
        losses, _ = standard_losses(network, batch)
        count = batch.label.shape[0]
        share = stream.beta(self.settings.alpha, self.settings.alpha, count, 1, 1, 1)
        other = stream.permutation(count)
        noisy = share * batch.noisy + (1 - share) * batch.noisy[other]
        clean = share * batch.clean + (1 - share) * batch.clean[other]
        mixed = think_fast(network, noisy)
        ours = F.cross_entropy(mixed.logits, batch.label, reduction="none")
        theirs = F.cross_entropy(mixed.logits, batch.label[other], reduction="none")
        weight = share[:, 0]  # (N, 1, 1), beside losses (N, H, W)
        return losses | {
            "mixed_segmentation": (weight * ours + (1 - weight) * theirs).mean(),
            "mixed_reconstruction": 0.5 * F.mse_loss(mixed.image, clean),
        }


# %% Their first steps
# The stream is named after the step, as in a run: the same step draws the same numbers again.

dataset = read_dataset(locate_data(None) / "acdc")
subjects = dataset.of_subjects(read_splits(dataset).repeats[0].train)
cpu = torch.device("cpu")
slices = TrainingSlices(dataset, subjects, crop=64, device=cpu)


def draw(step: int) -> Batch:
    """Four slices: x and y, and x with noise, x̃."""
    generator = torch.Generator().manual_seed(step)
    chosen = torch.randperm(len(slices), generator=generator)[:4]
    image, label = slices.images[chosen], slices.labels[chosen]
    middle = (image.shape[-1] - 64) // 2
    at = slice(middle, middle + 64)
    image, label = image[..., at, at], label[..., at, at]
    noise = 0.05 * torch.randn(image.shape, generator=generator)
    return Batch((image + noise).clamp(0, 1), image, label[:, 0].long())


def train(method: Method, steps: int = 6) -> None:
    """Train a fresh network, and print what the first and the last step minimise."""
    network = DualThinkingNetwork(seed=0).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for step in range(steps):
        losses = method.losses(network, draw(step), RandomStream.named(cpu, "gallery", step))
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
        if step in (0, steps - 1):
            print(method.title, {name: round(loss.item(), 3) for name, loss in losses.items()})


if __name__ == "__main__":
    train(Cutout(side=0.3))
    train(Mixup(alpha=0.4))

# %% Into the table
# For each, `coopbench new-method cutout cutout` writes a package with a test; put the class into
# its module, `pip install -e cutout`, and train it as any other:
#
#     coopbench train --method cutout
#     coopbench train --method cutout --set side=0.5 --name cutout-half
#     coopbench report
