"""A package with a method of its own, as `pip install --editable` or `--target` would leave it."""

import sys
from pathlib import Path

METHOD = '''"""A method of the tests."""

from plug_helper import factor

from benchmark.methods.losses import standard_losses
from benchmark.methods.method import Method


class Plugged(Method):
    """L_standard, times a factor."""

    title = "Plugged"
    summary = "of the tests"
    reference = "none"

    def losses(self, network, batch, stream):
        losses, _ = standard_losses(network, batch)
        return {name: factor() * loss for name, loss in losses.items()}
'''
HELPER = "def factor():\n    return 1.0\n"


def forget_plug_in() -> None:
    """Have the next import read the package anew, from wherever it is then."""
    for name in ("plug_method", "plug_helper"):
        sys.modules.pop(name, None)


def write_plug_in(site: Path, *, editable: bool) -> None:
    """Write the method ``plugged`` of package plug-in 0.1.0 into ``site``, to be put on the path.

    Args:
        site: made where it does not exist.
        editable: list none of the sources as the package's files, as an editable install does.
    """
    record = site / "plug_in-0.1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 0.1.0\n")
    (record / "entry_points.txt").write_text("[coopbench.methods]\nplugged = plug_method:Plugged\n")
    sources = {"plug_method.py": METHOD, "plug_helper.py": HELPER}
    for name, text in sources.items():
        (site / name).write_text(text)
    listed = ["plug_in-0.1.0.dist-info/METADATA", *([] if editable else sources)]
    (record / "RECORD").write_text("".join(f"{name},,\n" for name in listed))
