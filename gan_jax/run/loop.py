"""The train loop: data in, steps, rows, grids and checkpoints out; the same bits however often it is killed."""

import hashlib
import math
import shlex
from collections.abc import Sequence
from contextlib import ExitStack
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
from gan_jax.config.schema import flatten, to_json
from gan_jax.data.batches import read_batch
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DivergedError, RunError, Stopped
from gan_jax.gan import GAN, GANState, init, make_step
from gan_jax.run import features, hosts, signals, told
from gan_jax.run.checkpoints import Checkpoints, committed
from gan_jax.run.environment import note_start
from gan_jax.run.evaluation import check_samples
from gan_jax.run.files import RunFolder, read, write_atomically
from gan_jax.run.record import Record, Silence
from gan_jax.run.room import require_room
from gan_jax.run.sampling import abstract_state, example, read_labels
from gan_jax.run.stopping import IN_FLIGHT, Stopping
from gan_jax.run.watch import Watch
from gan_jax.types import Batch, Metrics


def train(config: Config, path: Path) -> None:
    """Trains, or goes on training, the run in folder `path` until `config.steps`; on every host of a run alike.

    Raises ConfigError, DataError, DivergedError, RunError, or Stopped once a signal has been obeyed.
    """
    folder = RunFolder(path)
    told_alike = {key: str(value) for key, value in flatten(config).items() if key not in _HOSTS_OWN}
    hosts.must_agree(told_alike, mend="give all hosts the same command")
    with hosts.together():
        devices = choose_devices(config)
        mesh = parallel.make_mesh(devices)
        require_room(config, devices)
        data = load_data(config)
        gan = build_gan(config, len(data.classes))
        labels = told.labels_of(config, data, folder)
        if config.evaluate.every and max(committed(folder.checkpoints), default=0) < config.steps:
            features.check(config.evaluate.features, data, config.evaluate.weights)
            check_samples(config, config.evaluate.samples)
    same = {"data": data.fingerprint, "clusters": told.fingerprint(labels) or "none"}
    hosts.must_agree(same, mend="give all hosts the same data")
    with ExitStack() as held, signals.listening():
        hosts.by_first(lambda: held.enter_context(folder.locked()) and None)
        hosts.by_first(lambda: _check_folder(config, folder))
        checkpoints = Checkpoints(folder.checkpoints, keep=config.every.keep)
        held.callback(checkpoints.close)
        state, remarks = _first_state(config, gan, data, labels, mesh, folder, checkpoints)
        remarks += hosts.by_first(lambda: _note(config, data, labels, mesh, folder, int(state.step)))
        hosts.must_agree(
            {"run": hashlib.sha256(read(folder.environment) or b"").hexdigest()},
            mend=f"{folder.path} has to be one folder that all hosts share",
        )
        _run(config, gan, data, labels, mesh, folder, checkpoints, state, remarks)


_HOSTS_OWN = {"data.path", "data.data_dir", "evaluate.weights"}
"""Where a host keeps what all have alike."""


def _check_folder(config: Config, folder: RunFolder) -> None:
    if is_run(folder.path):
        check_same(load_run(folder.path), config, str(folder.path))
    elif committed(folder.checkpoints):
        raise RunError(
            f"{folder.path} holds checkpoints and no config.json, which says what they are of; put it back, or "
            "choose another folder with --run"
        )


def _note(
    config: Config, data: Dataset, labels: np.ndarray | None, mesh: Mesh, folder: RunFolder, start: int
) -> list[str]:
    """Writes what a run is, and that it begins now; returns remarks."""
    if start <= config.steps:  # else there is nothing to do, and the longer run stays what it is
        write_atomically(folder.config, to_json(config).encode())
        told.keep(config, labels, folder)
    return note_start(folder, data, _devices(mesh))


def choose_devices(config: Config) -> Sequence[jax.Device]:
    """The devices that share the batch. Raises ConfigError where there are too few, or they cannot."""
    found = jax.devices()
    wanted = config.devices or len(found)
    if wanted > len(found):
        raise ConfigError(f"devices: {wanted} were asked for, there are {len(found)} ({found[0].device_kind})")
    if wanted < len(found) and hosts.several():
        raise ConfigError(f"devices: a run of several hosts has all of their {len(found)} devices; drop --devices")
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
        make = lambda: init(gan, jax.random.split(jax.random.key(config.seed))[0], example(config))
        return parallel.make_state(make, mesh), []
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
    stopping = Stopping(mesh, stacked=stacked)
    step = stopping.step(make_step(gan, discriminator_steps=config.discriminator_steps))
    step = parallel.compile_step(step, mesh, stacked=stacked)
    notes = {
        "fingerprint": data.fingerprint,
        "images": len(data),
        "classes": list(data.classes),
        "told": told.fingerprint(labels),
        "counts": (counts := told.counts_of(config, labels, len(data.classes))),
        "scaling": data.scaling,
        "devices": _devices(mesh),
    }
    record = Record(config, gan, data, counts, folder, start=start) if hosts.is_first() else Silence()
    watch: Watch | None = None
    pending: list[Metrics] = []
    try:
        if config.evaluate.every and goes_on:
            watch = Watch(config, gan, data, mesh, folder, notes, record.say)
        ahead = "; compiling takes some seconds" if goes_on else ""
        record.say(f"{len(data)} images of {data.name} on {_devices(mesh)}{ahead}")
        for remark in (*remarks, *record.remarks):
            record.say(remark)
        if start == 0:
            record.grid(0, parallel.local(state))
        if goes_on and (stop := stopping.wished_before()):
            raise Stopped(f"stopped before step {start + 1}; the same command goes on: {_again(folder)}", stop)
        for index in range(start, config.steps):
            batch = _batch(config, data, labels, mesh, index)
            state, metrics = step(state, stopping.batch(batch))
            done, stop = index + 1, stopping.wished(metrics)
            pending.append(metrics)
            if len(pending) > IN_FLIGHT:
                jax.block_until_ready(pending[-1 - IN_FLIGHT])
            due = {name: done % n == 0 or done == config.steps for name, n in cadences.items()}
            if not (any(due.values()) or stop):
                continue
            row = _read(pending, done, checkpoints)
            pending.clear()
            if due["log"]:
                record.row(done, row)
                if watch:
                    watch.note(row)
            if due["sample"]:
                record.grid(done, parallel.local(state))
            if watch and due["evaluate"]:
                _require_finite(state, done, checkpoints)
                record.scores(watch.look(state))  # before the checkpoint: a kill between the two makes it come again
            if due["checkpoint"] or stop:
                _require_finite(state, done, checkpoints)
                record.flush()  # before the checkpoint: what it goes on after does not come again
                checkpoints.save(done, state, notes)
            if stop and done < config.steps:
                checkpoints.wait()
                raise Stopped(f"stopped after step {done}, saved; the same command goes on: {_again(folder)}", stop)
        checkpoints.wait()
        record.finish(_farewell(config, data, folder, start))
    finally:
        record.close()
        if watch:
            watch.close()


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
        share=parallel.own_rows(mesh, config.batch_size),
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
    for path, leaf in jax.tree_util.tree_leaves_with_path(parallel.local(state)):
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


def _devices(mesh: Mesh) -> str:
    count = len({device.process_index for device in mesh.devices.flat})
    return f"{mesh.devices.size} x {mesh.devices.flat[0].device_kind}" + (f" on {count} hosts" if count > 1 else "")


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
