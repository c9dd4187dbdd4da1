"""What the registry says names things that exist."""

import importlib
import re
from importlib.metadata import EntryPoint

import pytest

import benchmark.methods
from benchmark.core.errors import CoopbenchError
from benchmark.methods import registry


def install(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    found = {entry.name: [entry] for entry in entries}
    monkeypatch.setattr(registry, "_registered", lambda: found)


def test_what_is_no_method_is_told_the_class_to_derive_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, EntryPoint("odd", "pathlib:Path", registry.GROUP))
    with pytest.raises(CoopbenchError) as error:
        registry.find_method("odd")
    (path,) = re.findall(r"benchmark[\w.]*\.Method", str(error.value))
    module, _, name = path.rpartition(".")
    assert getattr(importlib.import_module(module), name) is benchmark.methods.Method


def test_without_an_installation_it_is_said_how_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch)
    with pytest.raises(CoopbenchError, match="coopbench is not installed"):
        registry.find_method("standard")


def test_all_that_is_promised_is_importable() -> None:
    promised = {"Method", "Settings", "Batch", "RandomStream", "HardExamples"}
    promised |= {"standard_losses", "hard_losses"}
    assert promised <= set(benchmark.methods.__all__)
    assert all(hasattr(benchmark.methods, name) for name in benchmark.methods.__all__)
