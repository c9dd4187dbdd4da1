"""One training run, from its configuration to its checkpoint; it resumes where it was stopped."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from benchmark.core.device import keep_memory, make_deterministic
from benchmark.core.environment import environment
from benchmark.core.errors import CoopbenchError
from benchmark.core.files import check_present, whole_file, write_json
from benchmark.core.interruption import delay_interrupts
from benchmark.core.memory import is_out_of_memory
from benchmark.core.plugins import PluginError
from benchmark.core.validation import faults
from benchmark.data.dataset import Dataset
from benchmark.data.field import FIELD, centre_field
from benchmark.data.prepared import read_frame
from benchmark.data.slices import TrainingSlices
from benchmark.evaluation.metrics import mean_iou
from benchmark.inference.prediction import predict_field
from benchmark.methods.watched import RESERVED
from benchmark.runs.checkpoint import load_state, save_state, save_tensors
from benchmark.runs.config import RunConfig, Training
from benchmark.runs.run import Run, Summary
from benchmark.training.events import open_events
from benchmark.training.learner import Learner, training_slices
from benchmark.training.room import check_room, too_large

FETCH_EVERY = 10
"""Steps between reads of the losses; in between, nothing is copied from the device."""

SAVE_SECONDS = 30.0
"""Seconds between saves of the state, at validations; more is not lost when a run is killed."""

Watch = Callable[[int, int, str], None]
"""Called with the finished steps, the total steps, and a line on the losses."""


def total_steps(training: Training, slices: TrainingSlices) -> int:
    """The number of optimisation steps: ``steps`` if given, else those of all epochs, up to
    ``max_steps``."""
    if training.steps is not None:
        return training.steps
    return min(training.epochs * slices.steps_per_epoch(training.batch // 2), training.max_steps)


class _Progress(BaseModel):
    """The progress of a run; saved with its state."""

    model_config = ConfigDict(extra="forbid")

    step: int = Field(0, ge=0)
    best_iou: float = -1.0
    best_step: int = 0
    seconds: float = 0.0
    deterministic: bool = True
    """Whether all steps were computed deterministically."""
    history: list[dict[str, int | float]] = []
    pending: list[dict[str, float]] = []
    """Losses since the last entry of the history."""


class Trainer:
    """Trains the network of one run.

    Args:
        run: the run's folder and configuration.
        dataset: the prepared set to train on.
        device: the device to train on.
        deterministic: on a GPU, give the same bytes again, but slower.
        keep_state: keep the last state (30 MB) of a run that can be trained further.
    """

    def __init__(
        self,
        run: Run,
        dataset: Dataset,
        device: torch.device,
        *,
        deterministic: bool = False,
        keep_state: bool = True,
    ) -> None:
        self.run, self.device, self.keep_state = run, device, keep_state
        keep_memory()
        self.deterministic = make_deterministic(device, asked=deterministic)
        config: RunConfig = run.config
        self.config, self.training = config, config.training
        slices = training_slices(config, dataset, device)
        self.slices = slices
        self.total = total_steps(self.training, slices)
        self.every = self.training.validate_every or slices.steps_per_epoch(
            self.training.batch // 2
        )
        self.validation = [
            read_frame(dataset, case, frame)
            for case in dataset.of_subjects(config.data.validation)
            for frame in case.frames
        ]
        self.learner = Learner(config, slices)
        self.network = self.learner.network
        self.progress = _Progress()
        self.pending: list[dict[str, Tensor]] = []

    def train(self, watch: Watch) -> None:
        """Train to the end, from the saved state if there is one.

        Raises:
            CoopbenchError: a loss or a weight is NaN or infinite (the message names step and term);
                or the saved state is broken, of another run, or of more steps than asked for.
            PluginError: the method broke the rules of the interface; its traceback is in the log.
            NotEnoughMemoryError: a step does not fit into memory.
            KeyboardInterrupt: after the state was saved.
        """
        check_room(self.config, self.slices)
        if self.run.resume.is_file():
            self._resume()
        record = environment(self.device) | {
            "precision": str(self.learner.precision).split(".")[1],
            "deterministic": self.deterministic,
        }
        write_json(self.run.folder / "environment.json", record)
        # An old mark remains where the weights were deleted, or the run is prolonged.
        self.run.done.unlink(missing_ok=True)
        write_json(self.run.folder / "config.json", self.config.model_dump(mode="json"))
        self.progress.deterministic &= self.deterministic
        log = _open_log(self.run.folder / "log.txt")
        log.info("%s: %d of %d steps", self.run.folder.name, self.progress.step, self.total)
        open_files = ExitStack()
        open_files.callback(log.handlers[0].close)
        events = open_files.enter_context(
            open_events(self.run.folder / "tensorboard", step=self.progress.step)
        )
        started = time.monotonic() - self.progress.seconds
        saved = time.monotonic()
        try:
            with delay_interrupts() as raise_if_interrupted:
                while self.progress.step < self.total:
                    self._step()
                    step = self.progress.step
                    validates = step % self.every == 0 or step == self.total
                    if step % FETCH_EVERY == 0 or validates:
                        self._fetch(events)
                    if validates:
                        self._validate(log, events)
                        self.progress.seconds = time.monotonic() - started
                        if time.monotonic() - saved >= SAVE_SECONDS:
                            self._save()
                            saved = time.monotonic()
                    watch(step, self.total, self._line())
                    raise_if_interrupted()
        except PluginError as error:
            log.error("%s\n%s", error, error.details)
            raise
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            log.error("%s", error)
            raise too_large(self.config, self.device, f"step {self.progress.step + 1}") from error
        except KeyboardInterrupt:
            self._losses()
            self.progress.seconds = time.monotonic() - started
            self._save()
            log.info("interrupted at step %d", self.progress.step)
            raise
        finally:
            open_files.close()
        self._finish()

    def _step(self) -> None:
        self.pending.append(self.learner.learn(self.progress.step, self.total))
        self.progress.step += 1

    def _resume(self) -> None:
        about = load_state(self.run.resume, self.network, self.learner.optimiser)
        try:
            self.progress = _Progress.model_validate(about)
        except ValidationError as error:
            raise CoopbenchError(
                f"{self.run.resume}: {faults(error, _Progress)[0]}; delete it to begin again"
            ) from error
        if self.progress.step > self.total:
            raise CoopbenchError(
                f"{self.run.folder}: is already trained for {self.progress.step} steps, more than "
                f"{self.total}; give a shorter run a --name"
            )
        rows = [*self.progress.history, *self.progress.pending]
        if rows:
            self.learner.method.expect([name for name in rows[-1] if name not in RESERVED])

    def _losses(self) -> Tensor:
        """The losses since the last entry of the history (steps, terms), looked at and kept.
        CoopbenchError: one is NaN or infinite.
        """
        progress = self.progress
        if self.pending:
            names = list(self.pending[0])
            values = torch.stack(
                [torch.stack([losses[name] for name in names]) for losses in self.pending]
            )
            rows = values.double().tolist()
            progress.pending += [dict(zip(names, row, strict=True)) for row in rows]
            self.pending = []
        names = list(progress.pending[0]) if progress.pending else []
        found = [[losses[name] for name in names] for losses in progress.pending]
        values = torch.tensor(found, dtype=torch.float64)
        first = progress.step - len(found)
        for row, column in (~torch.isfinite(values)).nonzero().tolist():
            raise self._diverged(
                f"the loss '{names[column]}' of {self.learner.method.who} is "
                f"{values[row, column]} at step {first + row + 1}"
            )
        return values

    def _fetch(self, events: SummaryWriter) -> None:
        """Write the mean of the losses since the last read into history and events."""
        values = self._losses()
        if not len(values):
            return
        step, names = self.progress.step, list(self.progress.pending[0])
        self.progress.pending = []
        means = dict(zip(names, values.mean(dim=0).tolist(), strict=True))
        rate = self.learner.optimiser.param_groups[0]["lr"]
        self.progress.history.append({"step": step, "learning_rate": rate, **means})
        for name, value in means.items():
            events.add_scalar(f"loss/{name}", value, step)
        events.add_scalar("learning_rate", rate, step)

    def _validate(self, log: logging.Logger, events: SummaryWriter) -> None:
        """Score the FTN+STN prediction of the validation subjects; keep the best checkpoint."""
        self._check_weights()
        scores = []
        for volume in self.validation:
            predicted = predict_field(
                self.network,
                volume.image,
                size=self.training.crop,
                device=self.device,
                precision=self.learner.precision,
            )
            scores.append(mean_iou(predicted["FTN+STN"], centre_field(volume.label, FIELD)))
        score = float(np.nanmean(scores))
        progress = self.progress
        progress.history[-1]["validation_iou"] = score
        events.add_scalar("validation/mean_iou", score, progress.step)
        if score > progress.best_iou:
            progress.best_iou, progress.best_step = score, progress.step
            about = {"method": self.config.method, "step": progress.step, "validation_iou": score}
            save_tensors(self.run.weights, self.network.state_dict(), about)
        log.info("step %d: validation IoU %.3f; %s", progress.step, score, self._line())

    def _check_weights(self) -> None:
        """Check the weights: a step with finite losses may still have gradients that are not
        finite.

        Raises:
            CoopbenchError: a weight is NaN or infinite.
        """
        for name, tensor in self.network.state_dict().items():
            if not torch.isfinite(tensor).all():
                raise self._diverged(
                    f"the weights '{name}' hold NaN or infinity after step {self.progress.step}"
                )

    def _diverged(self, what: str) -> CoopbenchError:
        kept = [path.name for path in (self.run.weights, self.run.resume) if path.is_file()]
        state = f"the last good state is kept ({' and '.join(kept)})"
        return CoopbenchError(
            f"{self.run.folder}: {what}; {state if kept else 'no state was saved yet'}. Try a "
            "lower learning rate or --set precision=float32"
        )

    def _save(self) -> None:
        self._check_weights()
        save_state(
            self.run.resume, self.network, self.learner.optimiser, self.progress.model_dump()
        )

    def _finish(self) -> None:
        progress = self.progress
        kept = self.keep_state and self.training.can_go_on
        if kept:
            self._save()
        with whole_file(self.run.history) as partial:
            pd.DataFrame(progress.history).to_csv(partial, index=False)
        about = {"method": self.config.method, "step": progress.step}
        save_tensors(self.run.folder / "last.safetensors", self.network.state_dict(), about)
        run = self.run
        check_present([run.folder / "config.json", run.folder / "log.txt", run.weights])
        write_json(
            self.run.done,
            Summary(
                steps=progress.step,
                best_step=progress.best_step,
                best_validation_iou=progress.best_iou,
                seconds=round(progress.seconds, 1),
                seconds_per_step=round(progress.seconds / progress.step, 4),
                deterministic=progress.deterministic,
            ).model_dump(),
        )
        if not kept:
            self.run.resume.unlink(missing_ok=True)

    def _line(self) -> str:
        """The sum of the losses, CE(p, y) and the best validation IoU so far, in a few words."""
        if not self.progress.history:
            return ""
        last = self.progress.history[-1]
        total = sum(value for name, value in last.items() if name not in RESERVED)
        line = f"loss {total:.3f}, CE {last.get('segmentation', total):.3f}"
        if self.progress.best_step:
            line += f", best IoU {self.progress.best_iou:.3f}"
        return line


class _Log(logging.FileHandler):
    """A log that raises an error if it cannot be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Raise the error, instead of printing it."""
        raise


def _open_log(path: Path) -> logging.Logger:
    log = logging.getLogger(f"coopbench.{path}")
    log.setLevel(logging.INFO)
    log.propagate = False
    handler = _Log(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.handlers = [handler]
    return log
