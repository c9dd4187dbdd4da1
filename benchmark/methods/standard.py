"""Standard training: the dual network on its own terms, nothing generated."""

from torch import Tensor

from benchmark.methods import method
from benchmark.methods.losses import standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork


class Standard(Method):
    """L = L_standard."""

    title = "Standard training"
    summary = "the dual network with segmentation, reconstruction and shape losses"
    reference = "Chen et al., MICCAI 2021 (baseline)"

    class Settings(method.Settings):
        """Settings of standard training."""

        separate: bool = False
        """Train FTN and STN separately: no gradient from the STN into the FTN."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The four terms of L_standard."""
        return standard_losses(network, batch, separate=self.settings.separate)[0]
