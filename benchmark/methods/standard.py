"""Standard training: the dual network on its own terms, nothing generated."""

from torch import Tensor

from benchmark.methods.losses import StandardSettings, standard_losses
from benchmark.methods.method import Batch, Method, RandomStream
from benchmark.networks.dual import DualThinkingNetwork


class Standard(Method):
    """L = L_standard."""

    title = "Standard training"
    summary = "the dual network with segmentation, reconstruction and shape losses"
    reference = "Chen et al., MICCAI 2021 (baseline)"

    class Settings(StandardSettings):
        """Settings of standard training."""

        separate: bool = False
        """Train FTN and STN separately: no gradient from the STN into the FTN."""

    settings: Settings

    def losses(
        self, network: DualThinkingNetwork, batch: Batch, stream: RandomStream
    ) -> dict[str, Tensor]:
        """The four terms of L_standard."""
        separate, stn_first = self.settings.separate, self.settings.stn_first
        return standard_losses(network, batch, separate=separate, stn_first=stn_first)[0]
