"""The train loop: data in, steps, rows, grids and checkpoints out; the same bits however often it is killed."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.config import Config
from gan_jax.config.build import build_gan, load_data
from gan_jax.config.checks import check_same
from gan_jax.config.recipes import is_run, load_run
from gan_jax.config.schema import to_json
from gan_jax.data.batches import read_batch
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DivergedError, RunError, Stopped
from gan_jax.gan import GAN, GANState, generate, init, make_step
from gan_jax.images import to_bytes
from gan_jax.run import features, signals, told
from gan_jax.run.checkpoints import Checkpoints, committed, require_one_process
from gan_jax.run.environment import note_start
from gan_jax.run.evaluation import check_samples
from gan_jax.run.files import RunFolder, write_atomically
from gan_jax.run.logs import Events, MetricLog, Reporter
from gan_jax.run.pictures import save_animation, save_curves, save_grid, save_scores
from gan_jax.run.room import require_room
from gan_jax.run.sampling import (
    Counts,
    abstract_state,
    labels_in_turn_or_by_frequency,
    latents_by_index,
    read_labels,
    sampling_weights,
)
from gan_jax.run.scoreboard import as_row, read_all
from gan_jax.run.watch import Watch
from gan_jax.types import Batch, Metrics

IN_FLIGHT = 2
"""Steps handed to the device ahead of the host. Unbounded, forced CPU devices deadlock."""


def train(config: Config, path: Path) -> None:
    """Trains, or goes on training, the run in folder `path` until `config.steps`.

    Raises ConfigError, DataError, DivergedError, RunError, or Stopped once a signal has been obeyed.
    """
    require_one_process()
    folder = RunFolder(path)
    devices = choose_devices(config)
    mesh = parallel.make_mesh(devices)
    require_room(config, devices)
    data = load_data(config)
    gan = build_gan(config, len(data.classes))
    labels = told.labels_of(config, data, folder)
    if config.evaluate.every and max(committed(folder.checkpoints), default=0) < config.steps:
        features.check(config.evaluate.features, data, config.evaluate.weights)
        check_samples(config, config.evaluate.samples)
    with folder.locked(), signals.listening():
        if is_run(folder.path):
            check_same(load_run(folder.path), config, str(path))
        checkpoints = Checkpoints(folder.checkpoints, keep=config.every.keep)
        try:
            if checkpoints.steps() and not is_run(folder.path):
                raise RunError(
                    f"{folder.path} holds checkpoints and no config.json, which says what they are of; put it back, or "
                    "choose another folder with --run"
                )
            state, remarks = _first_state(config, gan, data, labels, mesh, folder, checkpoints)
            if int(state.step) <= config.steps:  # else there is nothing to do, and the longer run stays what it is
                write_atomically(folder.config, to_json(config).encode())
                told.keep(config, labels, folder)
            remarks += note_start(folder, data, _devices(mesh))
            _run(config, gan, data, labels, mesh, folder, checkpoints, state, remarks)
        finally:
            checkpoints.close()


def choose_devices(config: Config) -> Sequence[jax.Device]:
    """The local devices that share the batch. Raises ConfigError where there are too few, or they cannot."""
    found = jax.local_devices()
    wanted = config.devices or len(found)
    if wanted > len(found):
        raise ConfigError(f"devices: {wanted} were asked for, this machine has {len(found)} ({found[0].device_kind})")
    if config.batch_size % wanted:
        raise ConfigError(
            f"batch_size: {config.batch_size} cannot be shared by {wanted} devices; choose a multiple of {wanted}, or "
            "fewer with --devices"
        )
    return found[:wanted]


def _first_state(
    config: Config,
    gan: GAN,
    data: Dataset,
    labels: np.ndarray | None,
    mesh: Mesh,
    folder: RunFolder,
    checkpoints: Checkpoints,
) -> tuple[GANState, list[str]]:
    """The state to go on from: the newest good checkpoint's, or a fresh one."""
    restored = checkpoints.restore(lambda notes: abstract_state(config, len(notes["classes"])))
    if restored is None:
        key, _ = jax.random.split(jax.random.key(config.seed))
        batch = _batch(config, data, labels, mesh, 0)
        return parallel.make_state(lambda: init(gan, key, batch), mesh), []
    state, notes, remarks = restored
    data.must_be(notes["fingerprint"], notes["images"])
    told.must_be(labels, notes["told"], folder)
    if notes["devices"] != (here := _devices(mesh)):
        remarks.append(f"begun on {notes['devices']}, now on {here}: the same up to rounding, not bit for bit")
    return parallel.place(state, mesh), [
        *remarks,
        f"going on from step {int(state.step)} to {max(config.steps, int(state.step))}",
    ]


def _run(
    config: Config,
    gan: GAN,
    data: Dataset,
    labels: np.ndarray | None,
    mesh: Mesh,
    folder: RunFolder,
    checkpoints: Checkpoints,
    state: GANState,
    remarks: list[str],
) -> None:
    start, every, stacked = int(state.step), config.every, config.batches_per_step
    cadences = {"log": every.log, "sample": every.sample, "checkpoint": every.checkpoint}
    cadences |= {"evaluate": config.evaluate.every} if config.evaluate.every else {}
    goes_on = start < config.steps
    if goes_on and start % every.sample:
        folder.sample(start).unlink(missing_ok=True)
    rows = MetricLog(folder.metrics, after=start, forget=lambda row: goes_on and _is_last_word(row, start, cadences))
    step = parallel.compile_step(make_step(gan, discriminator_steps=config.discriminator_steps), mesh, stacked=stacked)
    counts = told.counts_of(config, labels, len(data.classes))
    notes = {
        "fingerprint": data.fingerprint,
        "images": len(data),
        "classes": list(data.classes),
        "told": told.fingerprint(labels),
        "counts": counts,
        "devices": _devices(mesh),
    }
    gallery = Gallery(config, gan, data, counts, folder)
    pending: list[Metrics] = []
    reporter = Reporter(folder, start=start, steps=config.steps, batch_size=config.images_per_step)

    def save(done: int) -> None:
        _require_finite(state, done, checkpoints)
        rows.flush()  # before the checkpoint: what it goes on after does not come again
        if events:
            events.flush()
        checkpoints.save(done, state, notes)

    watch: Watch | None = None
    events: Events | None = None
    try:
        events = Events(folder.events, after=start, say=reporter.say) if config.tensorboard else None
        if config.evaluate.every and goes_on:
            watch = Watch(config, gan, data, folder, notes, reporter.say)
        ahead = "; compiling takes some seconds" if goes_on else ""
        reporter.say(f"{len(data)} images of {data.name} on {_devices(mesh)}{ahead}")
        for remark in (*remarks, *rows.remarks):
            reporter.say(remark)
        if start == 0:
            gallery.draw(state, 0, reporter)
        for index in range(start, config.steps):
            if index == start and (stop := signals.wished()):
                raise Stopped(f"stopped before step {start + 1}; the same command goes on: {_again(folder)}", stop)
            batch = _batch(config, data, labels, mesh, index)
            state, metrics = step(state, batch)
            pending.append(metrics)
            if len(pending) > IN_FLIGHT:
                jax.block_until_ready(pending[-1 - IN_FLIGHT])
            done, stop = index + 1, signals.wished()
            due = {name: done % n == 0 or done == config.steps for name, n in cadences.items()}
            if not (any(due.values()) or stop):
                continue
            row = _read(pending, done, checkpoints)
            pending.clear()
            if due["log"]:
                rows.write({"step": done, "images": done * config.images_per_step} | row)
                reporter.progress({"step": done} | row)
                if events:
                    events.write({"step": done} | row)
                if watch:
                    watch.note(row)
            if due["sample"]:
                gallery.draw(state, done, reporter)
            if watch and due["evaluate"]:
                _require_finite(state, done, checkpoints)
                found = watch.look(state)
                rows.write(as_row(found))  # before the checkpoint: a kill between the two makes it come again
                if events:
                    events.write({"step": done} | found.scores)
                reporter.resume(done)
            if due["checkpoint"] or stop:
                save(done)
            if stop and done < config.steps:
                raise Stopped(f"stopped after step {done}, saved; the same command goes on: {_again(folder)}", stop)
        gallery.finish(reporter)
        reporter.close()
        for line in _farewell(config, data, folder, start):
            reporter.say(line)
    finally:
        reporter.close()
        if events:
            events.close()
        if watch:
            watch.close()


class Gallery:
    """The grids of a run: the same latents at every stage of training."""

    def __init__(self, config: Config, gan: GAN, data: Dataset, counts: Counts, folder: RunFolder) -> None:
        self._folder = folder
        self._columns = min(len(data.classes), 16) if config.conditional else 8
        count = 8 * self._columns
        _, key = jax.random.split(jax.random.key(config.seed))
        latents = latents_by_index(gan, key, count)
        labels = labels_in_turn_or_by_frequency(config, key, counts, count)
        self._draw = jax.jit(
            lambda state: to_bytes(generate(gan, sampling_weights(gan, state, counts), latents, labels))
        )
        self._real = data.images[np.linspace(0, len(data) - 1, count).astype(int)]

    def draw(self, state: GANState, step: int, reporter: Reporter) -> None:
        """Writes the grid of a step, and real images once. A picture that cannot be written is not worth a run."""
        try:
            if step == 0:
                save_grid(self._folder.path / "real.png", self._real, self._columns)
            save_grid(self._folder.sample(step), np.asarray(self._draw(state)), self._columns)
        except RunError as error:
            reporter.say(f"no picture of step {step}: {error}")

    def finish(self, reporter: Reporter) -> None:
        """Writes the animation and the curves."""
        frames = sorted(self._folder.samples.glob("step_*.png"))
        for make in (
            lambda: save_animation(self._folder.animation, frames),
            lambda: save_curves(self._folder.curves, self._folder.metrics),
            lambda: save_scores(self._folder.scores, read_all(self._folder.metrics)),
        ):
            try:
                make()
            except Exception as error:  # whatever damaged pictures and rows make Pillow and Matplotlib raise
                reporter.say(f"not all pictures could be made: {error or type(error).__name__}")


def _batch(config: Config, data: Dataset, labels: np.ndarray | None, mesh: Mesh, step: int) -> Batch:
    stacked = config.batches_per_step
    images, condition = read_batch(
        data.images,
        labels,
        step,
        batch_size=config.batch_size,
        seed=config.seed,
        stacked=stacked,
        flip=config.data.flip,
    )
    return parallel.put_batch(mesh, images, condition, stacked=stacked)


def _read(pending: list[Metrics], done: int, checkpoints: Checkpoints) -> dict[str, float]:
    """Fetches the metrics of the last steps, sees that all are finite, and returns the newest."""
    fetched = jax.device_get(pending)
    for i, metrics in enumerate(fetched):
        for name in sorted(metrics):
            if not np.isfinite(metrics[name]):
                _diverged(done - len(fetched) + 1 + i, name, metrics[name], checkpoints)
    return {name: float(value) for name, value in sorted(fetched[-1].items())}


def _require_finite(state: GANState, done: int, checkpoints: Checkpoints) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if jnp.issubdtype(leaf.dtype, jnp.floating) and not bool(jnp.all(jnp.isfinite(leaf))):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            _diverged(done, name, math.nan, checkpoints)


def _diverged(step: int, name: str, value: Any, checkpoints: Checkpoints) -> None:
    good = checkpoints.steps()
    last = f"the last good checkpoint is step {good[-1]}" if good else "there is no checkpoint before it"
    raise DivergedError(
        f"{name} is {value} at step {step}; {last}, and nothing was saved after it. A lower learning rate, or "
        "--penalty.r1 above 0, often helps; a different config needs another folder (--run)"
    )


def _is_last_word(row: dict[str, Any], step: int, cadences: dict[str, int]) -> bool:
    """Whether a row only marked the end of a run which now goes on from there."""
    due = cadences.get("evaluate" if "scores" in row else "log", step)
    return row["step"] == step and step % due != 0


def _devices(mesh: Mesh) -> str:
    return f"{mesh.devices.size} x {mesh.devices.flat[0].device_kind}"


def _again(folder: RunFolder) -> str:
    return f"gan-jax train {shlex.quote(str(folder.path))}"


def _farewell(config: Config, data: Dataset, folder: RunFolder, start: int) -> list[str]:
    path = shlex.quote(str(folder.path))
    first = f"trained to step {config.steps}"
    if start >= config.steps:
        first = f"already at step {start}; --steps {2 * start} makes it longer"
    labels = f" --labels {shlex.quote(_two_of(data.classes))}" if config.conditional else ""
    judged = folder.best.is_dir()
    return [
        f"{first}. Look at:",
        f"  {folder.sample(config.steps) if start < config.steps else folder.samples}",
        f"  {folder.animation}",
        f"  {folder.curves}",
        *([f"  {folder.scores}", f"  {folder.best} (gan-jax sample and evaluate: --best)"] if judged else []),
        "Try next:",
        f"  gan-jax sample {path} --count 100 --seed 1{labels}",
        f"  gan-jax sample {path} --interpolate 10 --count 8",
        f"  gan-jax train {path} --steps {2 * max(config.steps, start)}",
    ]


def _two_of(classes: Sequence[str]) -> str:
    """The first two classes as `--labels` takes them: by their names, or by numbers where a name holds a comma."""
    wanted = list(range(len(classes)))[:2]
    for text in (",".join(classes[:2]), ",".join(map(str, wanted))):
        try:
            if read_labels(text, classes) == wanted:
                return text
        except ConfigError:
            continue
    return f"0-{len(classes) - 1}"
