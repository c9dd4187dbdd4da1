"""The dual-thinking network: fast-thinking (FTN) and slow-thinking (STN) (protocol, section 2).

Chen et al., Cooperative Training and Latent Space Data Augmentation for Robust Medical Image
Segmentation, MICCAI 2021.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.networks.blocks import initialise
from benchmark.networks.decoder import Decoder, ImageDecoder
from benchmark.networks.encoder import CodeDecoupler, Encoder

CLASSES = 4
TEMPERATURE = 2.0
"""Temperature of the softmax that gives the STN's input."""


class SlowThinkingNetwork(nn.Module):
    """Corrects the shape of a segmentation: 4 class probabilities in, 4 logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(CLASSES)
        self.decoder = Decoder(CLASSES)

    def forward(self, probabilities: Tensor) -> Tensor:
        """(N, 4, H, W) probabilities or one-hot labels to (N, 4, H, W) logits."""
        return self.decoder(self.encoder(probabilities))


class DualThinkingNetwork(nn.Module):
    """E, H, D_s, D_i and the STN.

    Args:
        seed: draws the initial weights; the same seed gives the same weights on every device.
            None: others will be loaded.
    """

    def __init__(self, seed: int | None) -> None:
        super().__init__()
        self.encoder = Encoder(1)
        self.decoupler = CodeDecoupler()
        self.segmentation_decoder = Decoder(CLASSES)
        self.image_decoder = ImageDecoder()
        self.stn = SlowThinkingNetwork()
        if seed is not None:
            initialise(self, seed)

    def image_code(self, image: Tensor) -> Tensor:
        """z_i = E(x): (N, 1, H, W) to (N, 128, H/16, W/16)."""
        return self.encoder(image)

    def shape_code(self, image_code: Tensor) -> Tensor:
        """z_s = H(z_i): the shape of an image code, both (N, 128, H/16, W/16)."""
        return self.decoupler(image_code)

    def segment(self, shape_code: Tensor) -> Tensor:
        """D_s(z_s): logits (N, 4, H, W) of a shape code, in float32."""
        return self.segmentation_decoder(shape_code).float()

    def reconstruct(self, image_code: Tensor) -> Tensor:
        """D_i(z_i): the image (N, 1, H, W) in (0, 1) of an image code, in float32."""
        return self.image_decoder(image_code).float()

    def soften(self, logits: Tensor) -> Tensor:
        """softmax(logits / 2): the STN's input from the FTN's logits, both (N, 4, H, W)."""
        return F.softmax(logits / TEMPERATURE, dim=1)

    def refine(self, logits: Tensor) -> Tensor:
        """STN(p): refined logits (N, 4, H, W) of the FTN's logits, in float32."""
        return self.stn(self.soften(logits)).float()

    def refine_label(self, label: Tensor) -> Tensor:
        """STN(y): logits (N, 4, H, W) of a label map (N, H, W), in float32."""
        return self.stn(one_hot(label)).float()

    def forward(self, image: Tensor) -> Tensor:
        """The FTN's logits D_s(H(E(x))): (N, 1, H, W) to (N, 4, H, W)."""
        return self.segment(self.shape_code(self.image_code(image)))


def one_hot(label: Tensor) -> Tensor:
    """(N, H, W) integer labels to (N, 4, H, W) float."""
    # Compare instead of F.one_hot, which copies the largest label to the host.
    classes = torch.arange(CLASSES, device=label.device)
    return (label[:, None] == classes[:, None, None]).float()
