"""Random streams, named by their purpose.

A stream's seed is a hash of its name. So a new method, corruption or step changes no other stream,
and a resumed run needs no saved state of a generator.
"""

import hashlib


def derive_seed(*name: object) -> int:
    """A 63-bit seed for the stream called ``name``, e.g. ``derive_seed(40, "batch", step)``."""
    text = "\x1f".join(str(part) for part in name)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
