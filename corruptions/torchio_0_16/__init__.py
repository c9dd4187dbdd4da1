"""The four corruptions of the published ACDC-C, by the mathematics of TorchIO 0.16.22.

Between 0.17.1 and 0.17.10, TorchIO changed what its transforms compute. These transforms compute
the same as before, with the defaults of that time, and work in today's TorchIO:

import torchio as tio
from corruptions.torchio_0_16 import PublishedGhosting, PublishedMotion

transform = tio.Compose([PublishedMotion(), PublishedGhosting(seed=7)])

The input is a tensor with slices on axis 0, as in the published set; all lengths are in voxels.
"""

from corruptions.torchio_0_16.bias import PublishedBias
from corruptions.torchio_0_16.corruption import PublishedCorruption
from corruptions.torchio_0_16.ghosting import PublishedGhosting
from corruptions.torchio_0_16.motion import PublishedMotion
from corruptions.torchio_0_16.spike import PublishedSpike

__all__ = [
    "PublishedBias",
    "PublishedCorruption",
    "PublishedGhosting",
    "PublishedMotion",
    "PublishedSpike",
]
