"""One's own pictures, found in the latent space of a trained generator: `gan-jax project`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.data.pictures import Pictures, told_of
from gan_jax.errors import ConfigError, RunError
from gan_jax.images import to_float
from gan_jax.latents.projection import init, make_step, nearest, pyramid, spread
from gan_jax.memory import require_memory
from gan_jax.metrics.fidelity import psnr
from gan_jax.run.album import open_album
from gan_jax.run.latents import Found, Opened, save_found
from gan_jax.run.pictures import save_grid
from gan_jax.run.sampling import bytes_to_draw
from gan_jax.types import Images, PRNGKey

AT_ONCE = 64
"""Pictures that are moved together."""

PRIOR = 1.0
"""Of normal latents, on their length. It is of little weight: example:mnist had 20 test images of MNIST at 25.3 dB with
it, at 25.1 without (one run of 300 steps each from one start, 2026-11-26)."""


class Given(NamedTuple):
    """What is to be found."""

    names: list[str]
    pictures: np.ndarray  # uint8 [N, H, W, C]: covering the network's rectangle, cropped in the middle


def project(
    opened: Opened, paths: Sequence[Path], out: Path | None, *, steps: int, samples: int, seed: int, labels: str | None
) -> list[str]:
    """Finds pictures, and writes a sheet of each above what is found, and the points as an .npz beside it.

    Each begins at the nearest of so many `samples`, whose label, of a generator that is told labels, stays. Returns
    what to tell. Raises ConfigError, DataError, RunError; nothing is written then.
    """
    check_ending(out, ENDINGS["found"])
    config = opened.source.config
    if config.data.floats:
        raise ConfigError(f"run: {opened.source.run} draws floats of a range of their own, and no pixels to compare")
    given = read_all(paths, opened)
    targets = to_float(jnp.asarray(given.pictures))
    require_memory(bytes_to_draw(config, samples, copies=16), f"samples: {samples:,} pictures", "draw fewer")
    start, drawn, deviation = _start(opened, targets, samples, seed, labels)
    found = _end(opened, targets, start, steps, deviation, jax.random.key(seed))
    images = opened.draw(*found)
    before, after = (np.asarray(psnr(jnp.asarray(them), jnp.asarray(given.pictures))) for them in (drawn, images))
    path = out or opened.source.place(f"projected_{len(targets)}.png")
    columns = min(len(targets), 10)
    save_grid(path, _in_pairs(given.pictures, images, columns), columns)
    save_found(path.with_suffix(".npz"), opened, found, given.names, after)
    many = f"{len(targets)} pictures, PSNR" if len(targets) > 1 else "1 picture, PSNR"
    return [
        *opened.source.remarks,
        *(
            f"{name}: {mine:.1f} dB{label}"
            for name, mine, label in zip(given.names, after, _labels(opened, found), strict=True)
        ),
        f"{many} {np.mean(after):.1f} dB, of the nearest of {samples:,} samples {np.mean(before):.1f} dB; "
        f"by {opened.source.called}: {path}, {path.with_suffix('.npz')}",
    ]


def _labels(opened: Opened, found: Found) -> list[str]:
    """As which class each was found; nothing of a generator that is told none."""
    if found.told is None:
        return [""] * len(found.points)
    return [f", as {opened.source.labels[i]}" for i in np.argmax(np.asarray(found.told), axis=-1)]


def read_all(paths: Sequence[Path], opened: Opened) -> Given:
    """Pictures, and those below folders or in zips, resized and cropped as training reads them. Raises DataError."""
    config = opened.source.config
    names, found = list[str](), []
    for path in paths:
        album = open_album(path)
        names += album.files.names
        size, channels = config.data.image_size, config.data.image_channels
        found.append(Pictures(album.shown, album.files, size, channels, mend="Name others")[:])
    return Given(names, np.concatenate(found))


def _start(
    opened: Opened, targets: Images, samples: int, seed: int, labels: str | None
) -> tuple[Found, np.ndarray, float]:
    """Where each picture begins, and what is drawn there: the nearest of the samples; and the deviation of these."""
    told = opened.in_turn(labels, samples)
    points = opened.points(seed, samples, told)
    images = opened.draw(points, told)
    places = jax.jit(partial(nearest, pyramid))(to_float(jnp.asarray(images)), targets)
    start = Found(points[places], None if told is None else told[places])
    return start, images[np.asarray(places)], spread(points)


def _end(opened: Opened, targets: Images, start: Found, steps: int, deviation: float, key: PRNGKey) -> Found:
    """Where each picture ends. Raises RunError where that is not finite."""
    space = opened.space
    step = jax.jit(make_step(space.draw, steps=steps, deviation=deviation, prior=PRIOR if space.normal else 0.0))
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(targets), AT_ONCE)]
    states = [init(start.points[rows], jax.random.fold_in(key, rows.start)) for rows in parts]
    for done in told_of(range(steps * len(parts)), steps * len(parts), things="steps"):
        k, rows = done // steps, parts[done // steps]
        told = None if start.told is None else start.told[rows]
        states[k], _ = step(states[k], opened.weights, targets[rows], told)
    points = jnp.concatenate([state.points for state in states])
    if not jnp.all(jnp.isfinite(points)):
        raise RunError("what is found is not finite; an earlier checkpoint may do better")
    return Found(points, start.told)


def _in_pairs(above: np.ndarray, below: np.ndarray, columns: int) -> np.ndarray:
    """Rows of images of the one, and beneath each such a row of the other, the last ones filled up with black."""
    pad = lambda images: np.concatenate([images, np.zeros_like(images[: -len(images) % columns])])
    rows = lambda images: pad(images).reshape(-1, 1, columns, *images.shape[1:])
    return np.concatenate([rows(above), rows(below)], axis=1).reshape(-1, *above.shape[1:])
