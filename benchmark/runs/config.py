"""The configuration of a run: settings of the harness, settings of the method, and the data."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from benchmark.core.errors import CoopbenchError, UsageError
from benchmark.core.parsing import parse_toml
from benchmark.core.plugins import PluginError, blamed_on
from benchmark.core.validation import FileName, Line, check_name, nearest
from benchmark.data.dataset import Dataset, read_splits
from benchmark.methods.registry import find_method, method_names, method_origin
from benchmark.networks.widths import STRIDE
from benchmark.runs.run_migration import migrate

if TYPE_CHECKING:
    from benchmark.methods.method import Method

MAX_CROP = 2**12
"""Largest size in pixels (5.6 m), more than any scanner sees."""

SEEDS = {0: 40, 1: 20, 2: 10, 3: 30, 4: 50}
"""The seed of each repeat: 0 to 2 as published, the others are our choice."""


class _Settings(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError("give two positive numbers, the smaller one first")
    return bounds


Bounds = Annotated[tuple[float, float], AfterValidator(_ascending)]


STATED = {
    "pad": 0,
    "affine_of": "image",
    "border": "zero",
    "labels": "nearest",
    "contrast_about": "mean",
}
"""Values that ``style=stated`` changes in the defaults of `Augmentation`."""


class Augmentation(_Settings):
    """Augmentation of image and label together (protocol, section 3); ranges are uniform."""

    style: Literal["executed", "stated"] = "executed"
    """executed: as the authors' code computes; stated: as the paper states the ranges, with other
    defaults for pad, affine_of, border, labels and contrast_about. Each can also be set alone."""
    pad: int = Field(224, ge=0)
    """Pad a slice to this side with its minimum; lengths are shares of the padded slice's sides.
    0: pad by 0 where a slice is smaller than the crop, and lengths are shares of the crop."""
    affine_of: Literal["grid", "image"] = "grid"
    """grid: zoom, drawn per axis, and shift are of the sampling grid, so that a heart appears at
    the inverse size; image: one zoom of the image, then a shift of it."""
    border: Literal["edge", "zero"] = "edge"
    """Beyond the slice. edge: its edge, or its mirror image in the elastic step; zero: 0."""
    labels: Literal["majority", "nearest"] = "majority"
    """majority: a structure where it fills more than half of a pixel; nearest: of the nearest."""
    flip: float = Field(0.2, ge=0, le=1)
    """Probability of a flip, for each axis."""
    rotation: float = Field(15.0, ge=0, le=180)
    """Degrees, to either side."""
    eighth_turns: bool = True
    """Also rotate by a random multiple of 45 degrees."""
    shift: float = Field(0.1, ge=0, le=1)
    """Share of the length, to either side, for each axis."""
    zoom: Bounds = (0.8, 1.1)
    """Factor of the size, of the grid or of the image."""
    intensity: float = Field(0.5, ge=0, le=1)
    """Probability of a change of contrast and brightness."""
    contrast_about: Literal["zero", "mean"] = "zero"
    """zero: factor of the intensities, and brightness as it is; mean: factor of the difference from
    the crop's mean, and brightness as a share of its range. Clipped to the range before."""
    contrast: Bounds = (0.8, 1.2)
    """Factor of the contrast."""
    brightness: float = Field(0.1, ge=0)
    """What is added, to either side."""
    elastic: float = Field(0.5, ge=0, le=1)
    """Probability of an elastic deformation."""
    elastic_sigma: Bounds = (0.075, 0.15)
    """Standard deviation of the smoothing Gaussian, as a share of ``pad`` (of the crop if it is
    0)."""
    elastic_strength: Bounds = (1.5, 2.0)
    """Factor of the smoothed noise, as a share of the same."""

    @model_validator(mode="before")
    @classmethod
    def _of_style(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("style") == "stated":
            return {**STATED, **given}
        return given


class Training(_Settings):
    """The harness's settings; each can be given to ``coopbench train --set KEY=VALUE``."""

    train_set: str = "acdc"
    """Name of the prepared set, with splits, to train on."""
    crop: int = Field(192, ge=STRIDE, le=MAX_CROP, multiple_of=STRIDE)
    """Height and width of a training slice, in pixels of 1.36719 mm."""
    batch: int = Field(20, ge=2, multiple_of=2)
    """Slices in a batch: one half augmented, the other half their originals."""
    learning_rate: float = Field(1e-4, gt=0)
    """Adam's."""
    schedule: Literal["constant", "cosine"] = "constant"
    """The learning rate over the steps; cosine ends at zero."""
    epochs: int = Field(600, ge=1)
    """Passes through the training slices."""
    steps: int | None = Field(None, ge=1)
    """Number of optimisation steps; if given, ``epochs`` and ``max_steps`` are ignored."""
    max_steps: int = Field(50_000, ge=1)
    """Largest number of optimisation steps."""
    partial_batches: bool = True
    """Train on an epoch's last batch even if it is smaller; else leave it out."""
    validate_every: int | None = Field(None, ge=1)
    """Steps between validations; None: once an epoch."""
    noise: float = Field(0.05, ge=0)
    """Standard deviation of the noise on the input image, whose range is [0, 1]."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16: autocast in the networks; auto: where the hardware gains from it."""
    augmentation: Augmentation = Field(default_factory=Augmentation)

    @property
    def can_go_on(self) -> bool:
        """Whether a finished run can be prolonged: no step depends on the number of later steps."""
        return self.schedule == "constant"


class TrainingData(_Settings):
    """The data that a run is trained on."""

    name: FileName
    """``phantom`` for the phantom, else the name of the set."""
    phantom: bool
    fingerprint: str
    train: tuple[str, ...]
    validation: tuple[str, ...]


class RunConfig(_Settings):
    """The content of a run's ``config.json``: everything that its numbers depend on."""

    format: Literal["coopbench-run-2"] = "coopbench-run-2"
    method: str
    name: FileName
    """The run's name in folders and scores; by default the method's."""
    title: Line
    """The row of the run in tables."""
    remark: Line = ""
    """A footnote that every table prints for this row."""
    preset: FileName
    repeat: int
    seed: int
    data: TrainingData
    training: Training
    settings: dict[str, Any]
    """The method's own settings, complete."""
    stn_statistics: Literal["training", "predictions"] = "training"
    """Data behind the running statistics of the STN's batch norm: training (labels and
    predictions), or predictions only, by ``coopbench recalibrate``."""

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_format(cls, data: Any) -> Any:
        return migrate(data) if isinstance(data, dict) else data

    @property
    def group(self) -> str:
        """The group of runs that share a table: the same data and preset."""
        return f"{self.data.name}-{self.preset}"

    @property
    def folder(self) -> str:
        """The run's folder below the folder of runs."""
        return f"{self.group}/{self.name}-r{self.repeat}-s{self.seed}"

    def build_method(self) -> "Method":
        """The method, with its settings.

        Raises:
            PluginError: the method cannot be loaded, or raises an exception.
        """
        kind = find_method(self.method)
        with blamed_on(method_origin(self.method), "its start"):
            return kind(**self.settings)


def presets() -> dict[str, dict[str, Any]]:
    """The changes that each preset makes to the defaults."""
    return tomllib.loads(files("benchmark.runs").joinpath("presets.toml").read_text("utf-8"))


def resolve(
    method: str,
    dataset: Dataset,
    *,
    preset: str,
    repeat: int,
    seed: int | None = None,
    name: str | None = None,
    title: str | None = None,
    overrides: Sequence[str] = (),
) -> RunConfig:
    """The complete configuration of a run.

    Args:
        method: its registered name.
        dataset: the set to train on.
        preset: a section of ``presets.toml``.
        repeat: number of the set's split.
        seed: seed of weights, batches, augmentation and the method; None: the repeat's own.
        name: the run's name; a name that differs from the method's makes a new row.
        title: what tables print for it; None: the method's, or the ``name`` given.
        overrides: ``KEY=VALUE``, of the harness or of the method.

    Raises:
        UsageError: the method, preset or repeat is unknown; or keys are unknown or values out of
            range (the message names all of them).
        PluginError: the method cannot be loaded, or its settings raise an exception.
        CoopbenchError: the data lack a subject of this repeat.
    """
    kind = find_method(method)
    check_settings(kind)
    blamed = partial(blamed_on, method_origin(method), "its settings")
    changes, faults = parse_overrides(overrides, kind)
    training = _merge(presets()[preset], changes["training"])
    with blamed():
        faults += _faults(kind.Settings, changes["settings"])
    faults += _faults(Training, training)
    if faults:
        raise UsageError(*faults)
    if not {"epochs", "max_steps"}.isdisjoint(changes["training"]):
        training["steps"] = changes["training"].get("steps")  # else the preset's would win
    splits = read_splits(dataset)
    if repeat not in splits.repeats:
        known = ", ".join(str(number) for number in sorted(splits.repeats))
        raise UsageError(f"{dataset.root / 'splits.json'}: no repeat {repeat}, only {known}")
    split = splits.repeats[repeat]
    dataset.of_subjects((*split.train, *split.validation))
    if not split.train or not split.validation:
        raise CoopbenchError(
            f"{dataset.root / 'splits.json'}: repeat {repeat} has no training or validation subject"
        )
    if seed is None:
        seed = SEEDS.get(repeat, repeat)
    own_name = check_name(method if name is None else name)
    if own_name != method and own_name in method_names():
        raise UsageError(f"--name {own_name}: is another method; choose a name of your own")
    with blamed():
        settings = kind.Settings(**changes["settings"]).model_dump(mode="json")
        remark = kind(**settings).remark
    return RunConfig(
        method=method,
        name=own_name,
        title=title or (kind.title if own_name == method else own_name),
        remark=remark,
        preset=preset,
        repeat=repeat,
        seed=seed,
        data=TrainingData(
            name="phantom" if dataset.phantom else dataset.name,
            phantom=dataset.phantom,
            fingerprint=dataset.fingerprint,
            train=split.train,
            validation=split.validation,
        ),
        training=Training(**training),
        settings=settings,
    )


def training_set(overrides: Sequence[str]) -> str:
    """The name of the prepared set to train on, from ``--set`` or by default.

    Raises:
        UsageError: the value is not a name.
    """
    values = {}
    for override in overrides:
        key, equals, value = _parse(override)
        if equals and key == "train_set":
            values[key] = value
    if faults := _faults(Training, values):
        raise UsageError(*faults)
    return Training(**values).train_set


def check_settings(method: "type[Method]") -> None:
    """Refuse a method whose setting has the name of a setting of the harness.

    Raises:
        PluginError: the message names each such setting, the method, and the harness's meaning.
    """
    harness = Training.model_fields
    if both := [key for key in method.Settings.model_fields if key in harness]:
        own = f"{method.__module__}.{method.__qualname__}"
        raise PluginError(
            *(
                f"{own}: its setting '{key}' has the name of the harness's setting '{key}' "
                f"({harness[key].description}); rename the method's"
                for key in both
            )
        )


def parse_overrides(
    overrides: Sequence[str], method: "type[Method]"
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Parse ``KEY=VALUE`` options, and sort them into the harness's (``training``) and the
    method's.

    Values are read as TOML (``true``, ``0.5``, ``[0.8, 1.1]``), else as plain text; a dot reaches
    into a group, as in ``augmentation.flip=0``.

    Returns:
        The values, and a line for each option without ``=`` or with an unknown key.
    """
    harness, own = _harness_fields(), method.Settings.model_fields
    parsed: dict[str, dict[str, Any]] = {"training": {}, "settings": {}}
    faults = []
    for override in overrides:
        key, equals, value = _parse(override)
        if not equals:
            faults.append(f"--set {override}: write KEY=VALUE")
        elif key in own:
            parsed["settings"][key] = value
        elif key in harness:
            *groups, field = key.split(".")
            place = parsed["training"]
            for group in groups:
                place = place.setdefault(group, {})
            place[field] = value
        else:
            known = sorted([*harness, *own])
            meant = nearest(key, known) or f"; known: {', '.join(known)}"
            faults.append(f"--set {override}: no such key{meant}")
    return parsed, faults


def _harness_fields() -> dict[str, FieldInfo]:
    """Every setting of the harness by key; keys in groups have a dot."""
    plain = {key: field for key, field in Training.model_fields.items() if key != "augmentation"}
    return plain | {f"augmentation.{key}": f for key, f in Augmentation.model_fields.items()}


def describe_settings(method: "type[Method]") -> list[tuple[str, str, str]]:
    """Key, default and meaning of each setting of the method, then of the harness.

    Raises:
        CoopbenchError: the method has a setting with the name of a setting of the harness.
    """
    check_settings(method)
    fields = {**method.Settings.model_fields, **_harness_fields()}
    return [
        (key, str(field.get_default(call_default_factory=True)), field.description or "")
        for key, field in fields.items()
    ]


def _parse(override: str) -> tuple[str, bool, Any]:
    """Split ``KEY=VALUE`` into key and value, without blanks around them; also whether there is a
    ``=``.

    The value is read as TOML, else as plain text.
    """
    key, equals, text = (part.strip() for part in override.partition("="))
    try:
        value = parse_toml(f"value = {text}")["value"]
    except ValueError:
        value = text
    return key, bool(equals), value


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if nested else value
    return merged


def _faults(kind: type[BaseModel], values: Mapping[str, Any]) -> list[str]:
    try:
        kind.model_validate(values)
    except ValidationError as error:
        return [
            f"--set {'.'.join(map(str, one['loc']))}={one['input']}: {one['msg']}{_hint(one)}"
            for one in error.errors()
        ]
    return []


def _hint(error: Mapping[str, Any]) -> str:
    """A hint on how to write the value."""
    if error["type"] in ("list_type", "tuple_type", "set_type", "frozen_set_type"):
        key = ".".join(map(str, error["loc"]))
        return f"; write a list in brackets, quoted for the shell: --set '{key}=[1, 2]'"
    return ""
