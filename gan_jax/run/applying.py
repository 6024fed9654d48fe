"""What a trained translator makes of one's own pictures: `gan-jax apply`."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from PIL import Image

from gan_jax.config import Config, Segmentation, TaskConfig
from gan_jax.config.between import BothWays
from gan_jax.config.options import check_applied, names_a_file
from gan_jax.config.translators import Translator
from gan_jax.data.pictures import told_of
from gan_jax.data.reading import read_ahead
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.gan import GAN, generate
from gan_jax.images import to_bytes, to_float
from gan_jax.memory import require_memory
from gan_jax.run.album import Album, Picture, Read, beside, make_reader, open_album, stem
from gan_jax.run.animation import MOVING, save_frames
from gan_jax.run.files import check_absent
from gan_jax.run.pictures import as_picture, save_image, save_mask
from gan_jax.run.sampling import Source
from gan_jax.run.tiles import in_tiles, places
from gan_jax.sizes import Sides
from gan_jax.storage import is_remote
from gan_jax.tasks.segmentation import palette
from gan_jax.tasks.task import Task
from gan_jax.types import Bytes, Images, PRNGKey, Weights

AT_ONCE = 1 << 18
"""Pixels that a network makes at once, unless it was trained on larger images: of a picture of more, tile by tile.

For a batch, too. At the published widths ESRGAN (two of its 23 blocks) takes 134 MB for so many that are four times
enlarged, 1.2 GB for inpainted ones, and pix2pix 149 MB (temporaries that XLA counts for a CPU, jax 0.10.2, 2026-11-26).
"""


class Translation(NamedTuple):
    """A trained translator, for pictures of every size."""

    times: int  # as large is what it makes
    at_once: int  # pixels, of what it is given
    make: Callable[[np.ndarray], np.ndarray]  # uint8 [B, h, w, C + 1] to uint8 [B, times · h, times · w, C]


def make_translation(config: Config, gan: GAN, task: Task, weights: Weights, key: PRNGKey | None = None) -> Translation:
    """Builds it; compiled once for each size, and number of pictures of it.

    Where a network takes multiples of some pixels alone, pictures are mirrored at their borders as far as it needs.
    Of more pixels than `AT_ONCE`, and than it was trained on, they are made in tiles. A network that draws at random,
    by dropout, does so if there is a key, the same for every batch; without one it never does. Making raises
    RunError if an image is not finite.
    """
    model, data = config.model, config.data
    assert isinstance(model, Translator)
    step = model.step(data)

    @jax.jit
    def network(weights: Weights, pixels: Bytes) -> tuple[Images, Array]:
        condition = task.given(to_float(pixels[..., :-1]), to_float(pixels[..., -1:]) / 2 + 0.5)
        images = task.shown(generate(gan, weights, jnp.zeros((len(pixels), gan.latent_size)), condition, key=key))
        return images, jnp.all(jnp.isfinite(images))

    one_step = jax.ShapeDtypeStruct((1, step, step, data.image_channels + 1), jnp.uint8)
    times = jax.eval_shape(network, weights, one_step)[0].shape[1] // step
    at_once = max(AT_ONCE, math.prod(data.image_size)) // times**2
    as_bytes = jax.jit(to_bytes)

    def piece(pixels: np.ndarray) -> np.ndarray:
        images, finite = network(weights, pixels)
        if not finite:
            raise RunError("the generator makes images that are not finite; an earlier checkpoint may do better")
        return np.asarray(images)

    def make(pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[1:3]
        whole = np.pad(pixels, ((0, 0), (0, -height % step), (0, -width % step), (0, 0)), "reflect")
        tile = _tile(whole.shape[1:3], step, at_once)
        count = math.prod(len(places(side, own)) for side, own in zip(whole.shape[1:3], tile, strict=True))
        ticks = told_of(range(count), count, things="tiles of a picture")

        def told(pixels: np.ndarray) -> np.ndarray:
            next(ticks)
            return piece(pixels)

        images = in_tiles(told, whole, tile, times)
        return np.asarray(as_bytes(images[:, : times * height, : times * width]))

    return Translation(times, at_once, make)


def _tile(size: tuple[int, ...], step: int, most: int) -> Sides:
    """Height and width of all of a picture, if it has no more pixels; else of tiles that have not, in whole steps."""
    height, width = size
    if height * width <= most:
        return height, width
    side = max(math.isqrt(most) // step, 1) * step
    return min(side, height), min(side, width)


class Alike(NamedTuple):
    """Pictures of one size, by their numbers."""

    rows: list[int]
    filled: int  # so many are made at once: all batches of a size are as large, for one compiled program


Shape = tuple[int, int, int]
"""Frames, height and width of a picture; of one that does not move there is one frame."""


def _batches(shapes: Sequence[Shape], most: int) -> list[Alike]:
    """All pictures, as many together as have `most` pixels, or one; those that move each by itself."""
    found = []
    for shape in dict.fromkeys(shapes):
        rows = [i for i, own in enumerate(shapes) if own == shape]
        frames, *size = shape
        together = max(1, most // math.prod(size))
        count = min(len(rows), together) if frames == 1 else 1
        filled = count if frames == 1 else min(frames, together)
        found += [Alike(rows[k : k + count], filled) for k in range(0, len(rows), count)]
    return found


def _make_all(
    make: Callable[[np.ndarray], np.ndarray],
    read: Read,
    batches: Sequence[Alike],
    targets: Sequence[Path],
    colours: np.ndarray | None,
) -> Iterator[Path]:
    """Makes and writes pictures, of a palette's colours as masks; gives the path of each that is written."""
    with read_ahead(lambda k: [read(i) for i in batches[k].rows], 0, len(batches), ahead=1) as found:
        for (rows, filled), pictures in zip(batches, found, strict=True):
            frames = np.concatenate([picture.pixels for picture in pictures])
            made = np.concatenate(
                [_filled(make, frames[k : k + filled], filled) for k in range(0, len(frames), filled)]
            )
            ends = np.cumsum([len(picture.pixels) for picture in pictures])[:-1]
            for i, picture, images in zip(rows, pictures, np.split(made, ends), strict=True):
                _save(targets[i], images, picture, colours)
                yield targets[i]


def _filled(make: Callable[[np.ndarray], np.ndarray], frames: np.ndarray, count: int) -> np.ndarray:
    """What is made of some, which the first of them fills up to so many."""
    return make(np.concatenate([frames, frames[:1].repeat(count - len(frames), axis=0)]))[: len(frames)]


def _save(path: Path, images: np.ndarray, picture: Picture, palette: np.ndarray | None) -> None:
    """Writes what is made of a picture: its frames, or its only one, which has its alpha, or is a mask."""
    if picture.milliseconds:
        save_frames(path, [as_picture(image) for image in images], picture.milliseconds)
    elif palette is not None:
        save_mask(path, images[0], palette)
    else:
        save_image(path, images[0] if picture.alpha is None else _with_alpha(images[0], picture.alpha[0]))


def _with_alpha(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """An image `[H, W, C]` with an alpha behind it that is made as large as it."""
    height, width = image.shape[:2]
    enlarged = Image.fromarray(alpha[..., 0]).resize((width, height), Image.Resampling.BICUBIC)
    return beside(image, np.asarray(enlarged)[..., None])


def apply(
    maker: Source, source: Path, *, out: Path | None, mask: Path | None, reverse: bool, seed: int | None
) -> list[str]:
    """`gan-jax apply`: reads all that is given, then makes and writes, and returns what to tell.

    With a seed pictures are made one by one, so that what is drawn for one does not depend on the others. Raises
    ConfigError, DataError, RunError; nothing is written then, unless it is that what is made is not finite, or that
    it cannot be written.
    """
    run, config, gan = maker.run, maker.config, maker.gan
    if not config.task.given:
        raise ConfigError(f"run: {run} draws samples; use gan-jax sample {run}: apply is for runs of a --task")
    task = (_reversed(config.task, run) if reverse else config.task).build()
    channels = config.data.image_channels
    if mask and not task.has_holes:
        raise ConfigError(f"mask: {run} was trained for {config.task.called}, of which nothing is missing; drop --mask")
    album, masks = open_album(source), None if mask is None else open_album(mask)
    folder = maker.place(_folder_name(reverse, seed))
    folder = out or (folder if album.alone else folder / source.name.removesuffix(".zip"))
    check_applied(out)
    if names_a_file(folder) and not album.alone:
        raise ConfigError(f"out: expected a folder, for all pictures, got {folder}")
    read = make_reader(album, masks, task, channels)
    with read_ahead(lambda i: _looked_at(read(i)), 0, len(album.files)) as found:
        shapes, overruled = zip(*found, strict=True)
    targets = _targets(album, [frames > 1 for frames, *_ in shapes], folder)
    _spare(targets, [*album.paths, *(masks.paths if masks else [])])
    colours = palette(config.task.classes) if isinstance(config.task, Segmentation) else None
    translation = make_translation(config, gan, task, maker.weights(), None if seed is None else jax.random.key(seed))
    _require_memory(album, shapes, translation.times, channels)
    batches = _batches(shapes, translation.at_once if seed is None else 1)
    for _ in told_of(_make_all(translation.make, read, batches, targets, colours), len(targets)):
        pass
    made = "1 picture" if len(targets) == 1 else f"{len(targets):,} pictures"
    masked = [f"{names} {_WINS}"] if (names := _few(list(compress(album.files.names, overruled)))) else []
    return [*maker.remarks, *masked, f"{made}, made by {maker.called}: {targets[0] if album.alone else folder}"]


_WINS = "transparent in places, too: the mask alone says what is made, and these places lie on white"


def _looked_at(picture: Picture) -> tuple[Shape, bool]:
    """Its shape, and whether a mask says something else than its transparent pixels."""
    frames, height, width = picture.pixels.shape[:3]
    return (frames, height, width), picture.overruled


def _few(names: Sequence[str]) -> str:
    """The first of some names, and a verb."""
    shown = ", ".join(names[:3]) + (f", and {len(names) - 3} more" if len(names) > 3 else "")
    return shown and f"{shown} {'is' if len(names) == 1 else 'are'}"


def _reversed(task: TaskConfig, run: str) -> TaskConfig:
    if not isinstance(task, BothWays):
        raise ConfigError(f"reverse: {run} was trained for {task.called}, which goes one way; drop --reverse")
    return replace(task, reverse=not task.reverse)


def _folder_name(reverse: bool, seed: int | None) -> str:
    """A name that tells what made the pictures, so that others do not overwrite them."""
    parts = ["applied"] + ["reverse"] * reverse
    return "_".join(parts if seed is None else [*parts, f"seed{seed}"])


def _targets(album: Album, moving: Sequence[bool], out: Path) -> list[Path]:
    """Where what is made of each picture goes: to a file, or into a folder under its own name. Raises ConfigError."""
    if names_a_file(out):
        endings = MOVING if moving[0] else (".png",)
        if out.suffix not in endings:
            what = "moves" if moving[0] else "does not move"
            raise ConfigError(f"out: {album.called(0)} {what}; name a {' or '.join(endings)}, not {out}")
        return [out]
    targets: dict[Path, str] = {}
    for name, moves in zip(album.files.names, moving, strict=True):
        target = out / f"{stem(name)}.{'gif' if moves else 'png'}"
        if target in targets:
            raise DataError(f"{album.shown}: {targets[target]} and {name} would both become {target}; rename one")
        targets[target] = name
    return list(targets)


def _spare(targets: Sequence[Path], given: Sequence[Path]) -> None:
    """Raises ConfigError where a file would be overwritten, of those that are given or any other."""
    kept = {os.path.realpath(path) for path in given}
    for target in targets:
        if not is_remote(target) and os.path.realpath(target) in kept:
            raise ConfigError(f"out: {target} is one of the pictures that are given; choose another place with --out")
        check_absent(target)


def _require_memory(album: Album, shapes: Sequence[Shape], times: int, channels: int) -> None:
    """Raises DataError for a picture of which so much is made that memory does not hold it.

    While they are joined, tiles are floats twice, then once more on the device; and bytes, with an alpha, thrice, of
    all frames.
    """

    def needed(shape: Shape) -> int:
        frames, height, width = shape
        return times**2 * height * width * (3 * 4 * channels + 3 * frames * (channels + 1))

    largest = max(range(len(shapes)), key=lambda i: needed(shapes[i]))
    frames, height, width = shapes[largest]
    moving = f"{frames:,} frames of " * (frames > 1)
    what = f"{album.called(largest)}: {moving}{times * width}x{times * height} pixels"
    require_memory(needed(shapes[largest]), what, "reduce it, or cut it up", error=DataError)
