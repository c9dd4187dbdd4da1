"""Random streams named by what they are for.

A stream's seed is a hash of its name, so that adding a method, a corruption or a step changes no
other stream, and a resumed run needs no saved state of any generator.
"""

import hashlib


def derive_seed(*name: object) -> int:
    """A 63-bit seed for the stream called ``name``, e.g. ``derive_seed(40, "batch", step)``."""
    text = "\x1f".join(str(part) for part in name)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
