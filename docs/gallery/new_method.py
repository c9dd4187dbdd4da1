"""A new method, from the idea to its first steps.

A method turns a batch and the network into named losses. This one is random erasing (Zhong et
al., AAAI 2020): a rectangle of the image becomes noise, and the network has to segment what it
hides. It is written, looked at and trained for some steps, before it is worth a package of its
own.

    python new_method.py                    # on ./data, else the phantom; writes erased.png
"""

import matplotlib.pyplot as plt
import torch
from pydantic import Field
from torch import Tensor

from benchmark import methods
from benchmark.cli.options import locate_data
from benchmark.data.dataset import read_dataset, read_splits
from benchmark.data.slices import TrainingSlices
from benchmark.methods import (
    Batch,
    DualThinkingNetwork,
    HardExamples,
    Method,
    RandomStream,
    hard_losses,
    standard_losses,
)

# %% The method
# All that it needs comes from `benchmark.methods`. Whatever is random comes from `stream`, so
# that a run gives the same bytes again. Fields of `Settings` can be set from the command line.


class RandomErasing(Method):
    """L_standard, and the hard losses on images with a rectangle of noise."""

    title = "Random erasing"
    summary = "a random rectangle of the image becomes noise"
    reference = "Zhong et al., AAAI 2020"

    class Settings(methods.Settings):
        """Settings of the rectangle."""

        side: float = Field(0.3, gt=0, le=1)
        """Height and width, as a share of the image's."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The terms of one step, by name; coopbench minimises their sum."""
        losses, _ = standard_losses(network, batch)
        hard, _ = hard_losses(network, self.erase(batch.clean, stream), batch)
        return losses | hard

    def erase(self, image: Tensor, stream: RandomStream) -> Tensor:
        """Images (N, 1, H, W) in [0, 1], each with a rectangle of its own."""
        count, _, height, width = image.shape
        corner = stream.rand(2, count, 1, 1, 1) * (1 - self.settings.side)
        row = torch.linspace(0, 1, height, device=image.device).view(1, 1, -1, 1)
        column = torch.linspace(0, 1, width, device=image.device).view(1, 1, 1, -1)
        inside = (row >= corner[0]) & (row < corner[0] + self.settings.side)
        inside = inside & (column >= corner[1]) & (column < corner[1] + self.settings.side)
        return torch.where(inside, stream.rand(*image.shape), image)

    def hard_examples(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, HardExamples]:
        """For the figure in the report."""
        return {"erased": HardExamples(self.erase(batch.clean, stream), None, None)}


# %% A batch to look at
# The training slices of repeat 0. A harness's batch is augmented as well; to look at the method,
# it need not be.

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


method = RandomErasing(side=0.4)
batch = draw(0)
erased = method.erase(batch.clean, RandomStream.named(cpu, "gallery", 0))
figure, axes = plt.subplots(2, 4, figsize=(8, 4.2))
for number in range(4):
    axes[0, number].imshow(batch.clean[number, 0], cmap="gray")
    axes[1, number].imshow(erased[number, 0], cmap="gray")
for axis in axes.flat:
    axis.set_axis_off()
figure.savefig("erased.png", dpi=120)

# %% Its first steps
# What coopbench's own loop does, in five lines. The standard terms and those of the hard examples
# go down together.

network = DualThinkingNetwork(seed=0).train()
optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
for step in range(8):
    losses = method.losses(network, draw(step), RandomStream.named(cpu, "gallery", step))
    optimiser.zero_grad()
    torch.stack(list(losses.values())).sum().backward()
    optimiser.step()
    if step in (0, 7):
        print(step, {name: round(loss.item(), 3) for name, loss in losses.items()})

# %% Into the table
# `coopbench new-method random-erasing random-erasing` writes a package with a test; put the class
# into its module, `pip install -e random-erasing`, and it is a method like any other:
#
#     coopbench train --method random-erasing
#     coopbench train --method random-erasing --set side=0.5 --name erasing-half
#     coopbench report
