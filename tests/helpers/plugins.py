"""Packages with methods in them, as other people install them."""

from pathlib import Path

HEAD = """
import torch
from benchmark.methods.losses import standard_losses
from benchmark.methods.method import HardExamples, Method


class Plain(Method):
    title = "Plain"
    summary = "a plug-in"
    reference = "nobody"
    steps = 0
    late = False  # for tests to set

    def losses(self, network, batch, stream):
        self.steps += 1
        found, _ = standard_losses(network, batch)
        return self.spoil(found, self.steps)

"""


def install_plugin(
    site: Path,
    spoil: str = "return found",
    *,
    name: str = "plain",
    package: str = "plain-plugin",
    version: str = "1.2",
    before: str = "",
    group: str = "methods",
) -> Path:
    """Write a package whose method ``name`` has the standard losses, changed by ``spoil``.

    Args:
        site: a folder that is on Python's path, or will be.
        spoil: the body of a function of the losses (``found``) and the number of the call.
        name: of the method.
        package: the distribution; its module is called so, with ``_``.
        version: the distribution's.
        before: lines at the top of the module.
        group: of entry points, in which it says that it belongs.
    """
    module = package.replace("-", "_")
    body = "\n".join(f"        {line}" for line in spoil.splitlines())
    site.mkdir(parents=True, exist_ok=True)
    text = f"{before}\n{HEAD}    def spoil(self, found, step):\n{body}\n"
    (site / f"{module}.py").write_text(text, encoding="utf-8")
    about = site / f"{module}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(f"[coopbench.{group}]\n{name} = {module}:Plain\n")
    return site
