"""What a study consists of, and what it takes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmark.cli import cli
from benchmark.core.errors import CoopbenchError
from benchmark.data.dataset import read_dataset
from benchmark.runs.config import resolve
from benchmark.study.engine import run_grid
from benchmark.study.grid import make_grid
from benchmark.study.job import Job
from benchmark.study.local_engine import local_places
from benchmark.study.order import Order
from benchmark.study.planning import makespan
from benchmark.study.study import Study

TINY = ("--set", "crop=32", "--set", "batch=2", "--set", "steps=4", "--set", "precision=float32")


def nothing(argument: object, workers: int) -> None:
    """What the jobs of these tests do."""


def job(name: str, *needs: str) -> Job:
    return Job(name, "train", nothing, None, needs=needs)


def test_makespan_by_hand() -> None:
    """Two workers: a (3 s) and b (2 s) at once, then c (2 s) on b's; d (1 s) needs a and c."""
    jobs = [job("a"), job("b"), job("c"), job("d", "a", "c")]
    seconds = {"a": 3.0, "b": 2.0, "c": 2.0, "d": 1.0}
    assert makespan(jobs, lambda one: seconds[one.name], 2) == 5.0
    assert makespan(jobs, lambda one: seconds[one.name], 1) == 8.0
    assert makespan(jobs, lambda one: seconds[one.name], 100) == 4.0


def test_makespan_of_a_scheduler_that_is_the_bottleneck() -> None:
    jobs = [job(str(n)) for n in range(1000)]
    assert makespan(jobs, lambda _: 0.5, 1000, overhead=0.01) == pytest.approx(10.5)


@given(
    seconds=st.lists(st.floats(0, 100), min_size=1, max_size=30),
    workers=st.integers(1, 8),
    data=st.data(),
)
def test_makespan_lies_between_its_bounds(
    seconds: list[float], workers: int, data: st.DataObject
) -> None:
    jobs: list[Job] = []
    longest: dict[str, float] = {}  # path that ends with a job
    for place, taken in enumerate(seconds):
        earlier = [one.name for one in jobs]
        needs = data.draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        jobs.append(job(str(place), *needs))
        longest[str(place)] = taken + max((longest[name] for name in needs), default=0.0)
    found = makespan(jobs, lambda one: seconds[int(one.name)], workers)
    least = max(max(longest.values()), sum(seconds) / workers)
    assert least - 1e-6 <= found <= sum(seconds) + 1e-6
    assert found <= sum(seconds) / workers + max(longest.values()) + 1e-6  # Graham's bound


@pytest.mark.slow
@given(st.data())
def test_jobs_begin_once_after_their_needs_unless_one_of_these_failed(data: st.DataObject) -> None:
    jobs: list[Job] = []
    for place in range(data.draw(st.integers(1, 20))):
        earlier = [one.name for one in jobs]
        needs = data.draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        jobs.append(job(str(place), *needs, "of another study"))
    failing = {one.name for one in jobs if data.draw(st.booleans())}
    order, running = Order(jobs), list[Job]()
    begun, done, lost = list[str](), set[str](), list[str]()
    while running or order.next:
        if order.next and (not running or data.draw(st.booleans())):
            running.append(order.begin())
            begun.append(running[-1].name)
            continue
        ended = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if ended.name in failing:
            lost += [one.name for one in order.give_up(ended)]
        else:
            done.add(ended.name)
            order.end(ended)
    expected = set[str]()  # to fail, or to need what did not come about
    for one in jobs:
        if one.name in failing or expected & set(one.needs):
            expected.add(one.name)
    assert done == {one.name for one in jobs} - expected
    assert sorted(begun + lost, key=int) == [one.name for one in jobs]  # each once
    assert not set(lost) & set(begun)


class Scripted:
    """An engine of one place that fails jobs of these names, and notes all that it is told."""

    def __init__(self, failing: set[str]) -> None:
        self.failing, self.said = failing, list[str]()
        self.running: list[Job] = []

    def has_room(self, job: Job) -> bool:
        return not self.running

    def begin(self, job: Job) -> None:
        self.said.append(f"begin {job.name}")
        self.running.append(job)

    def ended(self) -> list[tuple[Job, Exception | None]]:
        job = self.running.pop()
        return [(job, ValueError("no") if job.name in self.failing else None)]


class Notes:
    def __init__(self) -> None:
        self.done, self.failed, self.lost = list[str](), list[str](), list[str]()

    def ended(self, job: Job, fault: CoopbenchError | None, lost: Sequence[Job]) -> None:
        (self.failed if fault else self.done).append(job.name)
        self.lost += [other.name for other in lost]


def test_a_failed_job_costs_those_that_need_it_alone() -> None:
    jobs = [job("a"), job("b", "a"), job("c"), job("d", "b", "c"), job("e", "c")]
    jobs.append(Job("f", "train", nothing, None, done=True))
    engine, notes = Scripted({"a"}), Notes()
    (fault,) = run_grid(jobs, engine, notes)
    assert engine.said == ["begin a", "begin c", "begin e"]
    assert (notes.done, notes.failed, notes.lost) == (["c", "e"], ["a"], ["b", "d"])
    assert fault.lines == ["a: ValueError: no"]


@pytest.mark.parametrize(
    ("cores", "trainings", "gpu", "expected"),
    [
        (8, 8, False, (8, 1)),  # a training a core, and so an evaluation
        (8, 3, False, (8, 2)),
        (2, 5, False, (5, 1)),  # as many as the user asked for
        (16, 1, True, (4, 4)),  # one training has the GPU for itself
        (16, 2, True, (4, 2)),
    ],
)
def test_what_a_training_takes_of_a_machine(
    cores: int, trainings: int, gpu: bool, expected: tuple[int, int]
) -> None:
    places = local_places(cores=cores, trainings=trainings, gpu=gpu)
    assert (places.number, places.training) == expected


def test_the_grid_names_every_job_once_and_after_its_needs(data: Path, tmp_path: Path) -> None:
    dataset = read_dataset(data / "acdc")
    configs = [
        resolve(method, dataset, preset="demo", repeat=0)
        for method in ("standard", "proposed", "dsu", "rsc")
    ]
    jobs = make_grid(
        Study(
            configs,
            dataset,
            data,
            tmp_path,
            device=torch.device("cpu"),
            threads=1,
            deterministic=False,
        )
    )
    names = [one.name for one in jobs]
    assert len(set(names)) == len(names)
    for place, one in enumerate(jobs):
        assert set(one.needs) <= set(names[:place])
    kinds = [one.kind for one in jobs]
    assert kinds.count("corrupt") == 1 and kinds.count("train") == 4
    spike = [one for one in jobs if one.name.endswith("on RandSpike")]
    assert len(spike) == 4
    assert all(len(one.needs) == 2 and "corrupt acdc-c" in one.needs for one in spike)
    clean = [one for one in jobs if one.name.endswith("on ACDC")]
    assert len(clean) == 4
    assert all(len(one.needs) == 1 and one.volumes == 2 for one in clean)
    assert not any(one.done for one in jobs if one.kind != "corrupt")


def test_the_time_of_what_is_done_is_none() -> None:
    from benchmark.study.planning import Estimate

    found = Estimate({"m": 10.0}, evaluation=2.0, corruption=1.0, tried=())
    todo = Job("a", "train", nothing, None, method="m")
    assert found.seconds(todo) == 10 and found.seconds(replace(todo, done=True)) == 0
    assert found.seconds(Job("b", "evaluate", nothing, None, volumes=3)) == 6
    assert found.seconds(Job("c", "corrupt", nothing, None, volumes=3)) == 3


@pytest.mark.slow
def test_a_plan_does_nothing_and_counts_what_is_done(own_data: Path, tmp_path: Path) -> None:
    words = ["study", "--data", str(own_data), "--preset", "demo", "--runs", str(tmp_path / "runs")]
    words += ["--methods", "standard,dsu", *TINY]
    before = sorted(own_data.rglob("*"))
    plan = CliRunner().invoke(cli, [*words, "--plan", "--price", "2"])
    assert plan.exit_code == 0, plan.output
    assert "| train standard | 1        | 0 " in plan.output
    assert "| train dsu      | 1        | 0 " in plan.output
    assert "trials of 3 steps just now (dsu, standard)" in plan.output
    assert "hours of one worker (a core)" in plan.output and "At 2 an hour of a core" in plan.output
    assert sorted(own_data.rglob("*")) == before and not (tmp_path / "runs").exists()
    train = ["train", "--method", "dsu", "--data", str(own_data), "--preset", "demo"]
    assert CliRunner().invoke(cli, [*train, "--runs", str(tmp_path / "runs"), *TINY]).exit_code == 0
    plan = CliRunner().invoke(cli, [*words, "--plan"])
    assert "| train dsu      | 1        | 1 " in plan.output


def test_a_plan_for_a_gpu_is_made_where_one_is(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trials run here, whatever the workers have."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = ["study", "--data", str(data), "--engine", "dask", "--device", "cuda", "--plan"]
    result = CliRunner().invoke(cli, [*words, "--scheduler", "tcp://127.0.0.1:1"])
    assert result.exit_code == 2 and "PyTorch finds no GPU here" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--price", "2"), "--price works only with --plan"),
        (
            ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"),
            "--jobs does not work with --scheduler",
        ),
        (("--scheduler", "tcp://127.0.0.1:1"), "--scheduler works only with --engine dask"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: tuple[str, ...], said: str, data: Path
) -> None:
    result = CliRunner().invoke(cli, ["study", "--data", str(data), *options])
    assert result.exit_code == 2 and said in result.output
