"""One step of training: the batch, the losses, the update."""

import math

import torch
from torch import Tensor

from benchmark.core.device import autocast, find_precision, on_device
from benchmark.core.plugins import blamed_on
from benchmark.core.seeding import derive_seed
from benchmark.data.dataset import Dataset
from benchmark.data.slices import TrainingSlices
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.methods.registry import method_origin
from benchmark.methods.watched import WatchedMethod
from benchmark.networks.dual import DualThinkingNetwork
from benchmark.runs.config import RunConfig, Training
from benchmark.training.augmentation import augment, centre_crop, scale_to_unit


def learning_rate(training: Training, step: int, total: int) -> float:
    """The learning rate of a step (from 0)."""
    if training.schedule == "constant":
        return training.learning_rate
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * step / total))


def training_slices(config: RunConfig, dataset: Dataset, device: torch.device) -> TrainingSlices:
    """The slices to train a run on, padded as its augmentation needs."""
    training = config.training
    return TrainingSlices(
        dataset,
        dataset.of_subjects(config.data.train),
        crop=training.crop,
        pad=training.augmentation.pad,
        partial=training.partial_batches,
        device=device,
    )


def draw_batch(slices: TrainingSlices, training: Training, seed: int, step: int) -> Batch:
    """The batch of a step: augmented slices, then their originals (protocol, section 3)."""
    images, labels, sides = slices.draw(training.batch // 2, step, seed)
    stream = RandomStream.named(slices.device, seed, "batch", step)
    augmented, augmented_labels = augment(
        images, labels, sides, training.crop, training.augmentation, stream.device
    )
    originals = scale_to_unit(centre_crop(images, training.crop))
    clean = torch.cat([augmented, originals])
    label = torch.cat([augmented_labels, centre_crop(labels, training.crop)])[:, 0]
    noise = torch.randn(clean.shape, generator=stream.device, device=clean.device)
    noisy = (clean + training.noise * noise).clamp(0, 1)
    return Batch(noisy.contiguous(memory_format=torch.channels_last), clean, label.long())


def optimisation_step(
    network: DualThinkingNetwork,
    method: Method,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    stream: RandomStream,
    precision: torch.dtype,
) -> dict[str, Tensor]:
    """Take one step to minimise the sum of the method's losses; returns the losses, detached."""
    network.train()
    with autocast(batch.clean.device, precision):
        losses = method.losses(network, batch, stream)
    optimiser.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    optimiser.step()
    return {name: loss.detach() for name, loss in losses.items()}


class Learner:
    """A network in training under one configuration.

    Args:
        config: the run's configuration.
        slices: the training slices; they also give the device for training.

    Attributes:
        network: the network, in the memory layout that convolutions prefer.
        method: the method with its settings; its results are checked.
        optimiser: Adam.
        precision: the type that the network computes in.
    """

    def __init__(self, config: RunConfig, slices: TrainingSlices) -> None:
        self.config, self.slices, self.device = config, slices, slices.device
        self.method = WatchedMethod(config.build_method(), method_origin(config.method))
        self.precision = find_precision(config.training.precision, self.device)
        network = DualThinkingNetwork(derive_seed(config.seed, "weights"))
        self.network = on_device(network, self.device)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=config.training.learning_rate, fused=True
        )

    def learn(self, step: int, total: int) -> dict[str, Tensor]:
        """Take a step (from 0) of ``total``; returns its losses, detached.

        Raises:
            PluginError: the method broke the rules of the interface.
        """
        training, seed = self.config.training, self.config.seed
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(training, step, total)
        batch = draw_batch(self.slices, training, seed, step)
        stream = RandomStream.named(self.device, seed, self.config.method, step)
        self.method.step = step + 1
        with blamed_on(self.method.who, f"step {step + 1}"):  # also its gradients
            return optimisation_step(
                self.network, self.method, self.optimiser, batch, stream, self.precision
            )
