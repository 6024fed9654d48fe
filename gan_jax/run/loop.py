"""The train loop: data in, steps, rows, grids and checkpoints out; the same bits however often it is killed."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax import flops, parallel, per_device
from gan_jax.config import Config, NoTask
from gan_jax.config.build import build_gan, example, load_data
from gan_jax.config.checks import PLACES, as_begun, check_same
from gan_jax.config.recipes import is_run, load_run
from gan_jax.config.schema import flatten, to_json
from gan_jax.data.batches import read_batch, read_beside_labelled
from gan_jax.data.dataset import Dataset
from gan_jax.data.reading import read_ahead
from gan_jax.errors import DivergedError, GanJaxError, RunError, Stopped
from gan_jax.gan import GAN, GANState, Step, init
from gan_jax.run import decoding, hosts, signals, told
from gan_jax.run.beginning import begin
from gan_jax.run.checkpoints import Checkpoints, Notes, committed
from gan_jax.run.comparing import check_beforehand
from gan_jax.run.devices import called, choose_devices, noted
from gan_jax.run.environment import note_start
from gan_jax.run.farewell import again, farewell, going_on
from gan_jax.run.files import RunFolder, read, write_atomically
from gan_jax.run.profile import Profile
from gan_jax.run.record import Record, Silence
from gan_jax.run.room import require_room
from gan_jax.run.stopping import IN_FLIGHT, Stopping
from gan_jax.run.training import abstract_state, make_step, step_flops
from gan_jax.run.watch import Watch
from gan_jax.types import Metrics

WAYS: dict[str, ModuleType] = {"jit": parallel, "pmap": per_device}
"""How one step is many devices' work: both have the same functions."""


class Job(NamedTuple):
    """All that a run has, but for its state."""

    config: Config
    gan: GAN
    data: Dataset
    labels: np.ndarray | None
    mesh: Mesh
    way: ModuleType
    folder: RunFolder
    checkpoints: Checkpoints


def train(config: Config, path: Path, *, profile: range | None = None) -> None:
    """Trains, or goes on training, the run in folder `path` until `config.steps`; on every host of a run alike.

    A trace of the steps in `profile` is left in the folder. Raises ConfigError, DataError, DivergedError, RunError, or
    Stopped once a signal has been obeyed.
    """
    folder = RunFolder(path)
    if is_run(folder.path):
        config = as_begun(config, load_run(folder.path))
    told_alike = {key: str(value) for key, value in flatten(config).items() if key not in PLACES}
    hosts.must_agree(told_alike, mend="give all hosts the same command")
    with hosts.together():
        if not is_run(folder.path):
            folder.refuse_strangers()
        devices = choose_devices(config)
        mesh = parallel.make_mesh(devices)
        require_room(config, devices)
        config.task.check_files()
        data = load_data(config)
        decoding.of_data(data)  # which says why it cannot, before there is a folder
        gan = build_gan(config, len(data.classes), WAYS[config.parallel].mean())
        if config.evaluate.every and max(committed(folder.checkpoints), default=0) < config.steps:
            check_beforehand(config, data)
    hosts.must_agree({"data": f"{data.name}, {len(data):,} images, {data.fingerprint}"}, mend="give all the same data")
    labels = told.labels_of(config, data, folder)
    with ExitStack() as held, signals.listening():
        hosts.by_first(lambda: held.enter_context(folder.locked()) and None)
        hosts.by_first(lambda: _check_folder(config, folder))
        checkpoints = Checkpoints(folder.checkpoints, keep=config.every.keep)
        held.callback(checkpoints.close)
        job = Job(config, gan, data, labels, mesh, WAYS[config.parallel], folder, checkpoints)
        job, state, start, remarks = _first_state(job)
        if config.accumulate > 1 and config.model.normalises:
            remarks.append(f"accumulate: each of the {config.accumulate} parts of a batch is normalised by itself")
        remarks += hosts.by_first(lambda: _note(job, start))
        hosts.must_agree(
            {"run": hashlib.sha256(read(folder.environment) or b"").hexdigest()},
            mend=f"{folder.path} has to be one folder that all hosts share",
        )
        _run(job, state, start, remarks, profile)


def _check_folder(config: Config, folder: RunFolder) -> None:
    if is_run(folder.path):
        check_same(load_run(folder.path), config, str(folder.path))
    elif committed(folder.checkpoints):
        raise RunError(
            f"{folder.path} holds checkpoints and no config.json, which says what they are of; put it back, or "
            "choose another folder with --run"
        )


def _note(job: Job, start: int) -> list[str]:
    """Writes what a run is, and that it begins now; returns remarks."""
    if start <= job.config.steps:  # else there is nothing to do, and the longer run stays what it is
        write_atomically(job.folder.config, to_json(job.config).encode())
        told.keep(job.config, job.labels, job.folder)
        decoding.keep(job.data, job.folder)
    return note_start(job.folder, job.data, noted(job.config, job.mesh))


def _first_state(job: Job) -> tuple[Job, GANState, int, list[str]]:
    """The state to go on from, the newest good checkpoint's or a first one; its step; and remarks."""
    config = job.config
    restored = job.checkpoints.restore(lambda notes: abstract_state(config, len(notes["classes"])))
    if restored is None:
        key, _ = jax.random.split(jax.random.key(config.seed))
        first = job.way.make_state(lambda: init(job.gan, key, example(config)), job.mesh)
        return (job, first, 0, []) if config.start.run is None else _taken_over(job, first)
    state, notes, remarks = restored
    job.data.must_be(notes["fingerprint"], notes["images"])
    told.must_be(job.labels, notes["told"], job.folder)
    if notes["devices"] != (here := noted(job.config, job.mesh)):
        remarks.append(f"begun on {notes['devices']}, now on {here}: the same up to rounding, not bit for bit")
    start = int(state.step)
    remarks.append(going_on(config, job.folder, start))
    return job, job.way.place(state, job.mesh), start, remarks


def _taken_over(job: Job, first: GANState) -> tuple[Job, GANState, int, list[str]]:
    """The same for a run that begins with the networks of another, which every host reads."""
    with hosts.together():
        config, state, remarks = begin(job.config, job.way.first(first), len(job.data.classes))
    hosts.must_agree({"start.sha256": str(config.start.sha256)}, mend="let the run there end, or begin with a copy")
    return job._replace(config=config), job.way.place(state, job.mesh), 0, remarks


def _run(job: Job, state: GANState, start: int, remarks: list[str], profile: range | None) -> None:
    config, data, mesh, way, checkpoints = job.config, job.data, job.mesh, job.way, job.checkpoints
    every, stacked = config.every, config.batches_per_step
    cadences = {"log": every.log, "sample": every.sample, "checkpoint": every.checkpoint}
    cadences |= {"evaluate": config.evaluate.every} if config.evaluate.every else {}
    goes_on = start < config.steps
    stopping = Stopping(mesh, stacked=stacked)
    one = stopping.step(make_step(config, job.gan, way))
    step, steps = (way.compile_step(each, mesh, stacked=stacked) for each in (one, parallel.several(one)))
    notes = _checkpoint_notes(job)
    first = hosts.is_first()
    given: list[Any] = []
    work = lambda: _flops(job, step, state, given[0])  # of the newest state: a step consumes the one before
    of_run = (config, job.gan, data, notes["counts"], job.folder, mesh)
    record = Record(*of_run, start=start, flops=work) if first else Silence()
    traced = Profile(profile or range(0), job.folder.profile)
    watch: Watch | None = None
    pending: list[Metrics] = []
    try:
        if config.evaluate.every and goes_on:
            watch = Watch(config, job.gan, data, mesh, job.folder, notes, record.say)
        for line in (_begins(job, goes_on=goes_on), *remarks, *record.remarks):
            record.say(line)
        if start == 0:
            record.grid(0, way.first(state))
        if goes_on and (stop := stopping.wished_before()):
            raise Stopped(f"stopped before step {start + 1}; the same command goes on: {again(job.folder)}", stop)
        kept = Kept(job, notes, record, watch)
        with read_ahead(lambda index: _read_batch(job, index), start, config.steps) as batches:
            for call in _calls(start, config.steps, cadences, config.steps_per_call):
                traced.before(call)
                given = [stopping.batch(way.put_batch(mesh, *next(batches), stacked=stacked)) for _ in call]
                state, metrics = step(state, given[0]) if len(call) == 1 else steps(state, given)
                done, stop = call.stop, stopping.wished(metrics)
                pending.append(metrics)
                if len(pending) > IN_FLIGHT:
                    jax.block_until_ready(pending[-1 - IN_FLIGHT])
                if told_of_trace := traced.after(call.stop, metrics):
                    record.say(told_of_trace)
                due = {name: done % n == 0 or done == config.steps for name, n in cadences.items()}
                if not (any(due.values()) or stop):
                    continue
                row = _read(pending, done, way, checkpoints)
                pending.clear()
                if due["log"]:
                    kept.row(done, row, batches.share_waited())
                if due["sample"]:
                    record.grid(done, way.first(state))
                if due.get("evaluate"):
                    kept.scores(done, state)
                if due["sample"] or due.get("evaluate"):
                    batches.share_waited()  # counted anew, as the clock is
                if due["checkpoint"] or stop:
                    kept.checkpoint(done, state)
                if stop and done < config.steps:
                    checkpoints.wait()
                    raise Stopped(
                        f"stopped after step {done}, saved; the same command goes on: {again(job.folder)}", stop
                    )
        checkpoints.wait()
        if missed := traced.missed():
            record.say(missed)
        if goes_on and first:
            record.speed()
        record.finish(farewell(config, data, job.folder, start))
    except GanJaxError as error:
        record.note(str(error))
        raise
    finally:
        traced.close()
        record.close()
        if watch:
            watch.close()


def _flops(job: Job, step: Step, state: GANState, batch: Any) -> float:
    """Of a step over all devices; where it has been called, of what is traced already."""
    if job.way is parallel:
        return flops.count(step, state, batch)
    return step_flops(job.config, build_gan(job.config, len(job.data.classes)))  # a device's program has an axis


def _checkpoint_notes(job: Job) -> Notes:
    """What is kept with each checkpoint, of the data and of how the run sees them."""
    data = job.data
    return {
        "fingerprint": data.fingerprint,
        "images": len(data),
        "classes": list(data.classes),
        "told": told.fingerprint(job.labels),
        "counts": told.counts_of(job.config, job.labels, len(data.classes)),
        "scaling": data.scaling,
        "decoder": None if data.decoder is None else data.decoder.sha256,
        "alphabet": data.alphabet,
        "devices": noted(job.config, job.mesh),
    }


def _begins(job: Job, *, goes_on: bool) -> str:
    config, data = job.config, job.data
    held_out = "" if data.test is None else f", {len(data.test)} more held out,"
    line = f"{len(data)} {data.things} of {data.name}{held_out} on {called(config, job.mesh)}"
    if not goes_on:
        return line
    if config.data.path and len(data.classes) > 1 and config.task == NoTask() and not config.tells:
        line += f"; their {len(data.classes)} classes are told with --conditional alone"
    if (k := job.config.steps_per_call) > 1:
        line += f"; {k} steps are one program"
    return f"{line}; compiling first, for a large network a minute or more"


class Kept(NamedTuple):
    """What a run leaves on its way."""

    job: Job
    notes: Notes
    record: Record | Silence
    watch: Watch | None

    def row(self, done: int, row: dict[str, float], waited: float) -> None:
        """Writes and shows what a step measured."""
        self.record.row(done, row, waited)
        if self.watch:
            self.watch.note(row)

    def scores(self, done: int, state: GANState) -> None:
        """Judges the state. Before its checkpoint: a kill between the two makes it come again."""
        if self.watch:
            self.job.checkpoints.wait()  # orbax knows the best one and the newest by the same names
            _require_finite(self.job.way.first(state), done, self.job.checkpoints)
            self.record.scores(self.watch.look(self.job.way.on_mesh(state, self.job.mesh)))

    def checkpoint(self, done: int, state: GANState) -> None:
        """Saves the state, if it is finite."""
        _require_finite(self.job.way.first(state), done, self.job.checkpoints)
        self.record.flush()  # before the checkpoint: what it goes on after does not come again
        self.job.checkpoints.save(done, self.job.way.on_mesh(state, self.job.mesh), self.notes)


def _calls(start: int, stop: int, cadences: Mapping[str, int], most: int) -> Iterator[range]:
    """The steps of each program that is run: `most`, or a single one where something is due sooner."""
    while start < stop:
        until = min(stop, *(start - start % every + every for every in cadences.values()))
        call = range(start, start + (most if start + most <= until else 1))
        yield call
        start = call.stop


def _read_batch(job: Job, step: int) -> tuple[np.ndarray, Any]:
    """What this host reads of the batch of a step: images, and what the networks are told of them."""
    alone = partial(read_batch, features=job.data.features)
    read: Callable[..., tuple[np.ndarray, Any]] = read_beside_labelled if job.config.task.classifies else alone
    return read(
        job.data.images,
        job.labels,
        step,
        batch_size=job.config.batch_size,
        seed=job.config.seed,
        stacked=job.config.batches_per_step,
        flip=job.config.data.flip,
        share=parallel.own_rows(job.mesh, job.config.batch_size),
    )


def _read(pending: list[Metrics], done: int, way: ModuleType, checkpoints: Checkpoints) -> dict[str, float]:
    """Fetches the metrics of the last steps, sees that all are finite, and returns the newest."""
    calls = [jax.tree.map(np.atleast_1d, metrics) for metrics in jax.device_get([way.first(m) for m in pending])]
    fetched = [{n: values[i] for n, values in call.items()} for call in calls for i in range(len(call["d/loss"]))]
    for i, metrics in enumerate(fetched):
        for name in sorted(metrics):
            if not np.isfinite(metrics[name]):
                _diverged(done - len(fetched) + 1 + i, name, metrics[name], checkpoints)
    return {name: float(value) for name, value in sorted(fetched[-1].items())}


def _require_finite(state: GANState, done: int, checkpoints: Checkpoints) -> None:
    floats = [
        (path, leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    finite = jax.device_get(_are_finite([leaf for _, leaf in floats]))
    for (path, _), all_are in zip(floats, finite, strict=True):
        if not all_are:
            _diverged(done, jax.tree_util.keystr(path, simple=True, separator="."), math.nan, checkpoints)


@jax.jit
def _are_finite(arrays: list[jax.Array]) -> list[jax.Array]:
    """Whether each is; in one program, for a wait for each would add up."""
    return [jnp.all(jnp.isfinite(array)) for array in arrays]


def _diverged(step: int, name: str, value: Any, checkpoints: Checkpoints) -> None:
    try:
        good = checkpoints.steps()
        last = f"the last good checkpoint is step {good[-1]}" if good else "there is no checkpoint before it"
    except RunError as error:
        last = str(error)
    raise DivergedError(
        f"{name} is {value} at step {step}; {last}, and nothing was saved after it. A lower learning rate, or "
        "--penalty.r1 above 0, often helps; a different config needs another folder (--run)"
    )
