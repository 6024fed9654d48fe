"""Judges clips: their frames beside real frames, and how what is seen in them moves, beside how it truly does."""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.data.held_out import those
from gan_jax.gan import GAN, GANState
from gan_jax.images import to_frames
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.moments import Moments, moments
from gan_jax.metrics.motion import Clips, apart, motion
from gan_jax.run import features, hosts
from gan_jax.run.comparing import extract
from gan_jax.run.drawing import samples as drawn
from gan_jax.run.judging import Asked, Judge, protocol
from gan_jax.run.sampling import Counts, compiled_weights
from gan_jax.run.scoreboard import Evaluation, name_of

MOST = 10_000
"""Clips of which a frame is one of those that the classifier learns from, at most."""


def make_judge(
    config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Callable[[str], None]
) -> Judge:
    """The judge of a run whose data are clips.

    fid is of all frames, one by one; same_class the share of clips whose every frame is of one class, where a
    classifier can tell. speed_w1, direction_w1 and turn_w1 are of the ink's centre (`metrics.motion`). real_ is what
    as many other real clips reach; shuffled_ and still_ are real clips with frames in any order, and their first frame
    alone. Raises ConfigError for features that such data do not have, DataError for too few clips.
    """
    frames, count = config.data.frames, asked.samples
    features.check_count(data, count)
    extractor = features.make(
        asked.kind, config, _stills(data), weights=asked.weights, download=asked.download, say=say
    )
    extractor = extractor._replace(params=parallel.whole(mesh, extractor.params))
    latent_key, label_key = jax.random.split(jax.random.key(asked.seed))
    drawing = drawn(config, gan, data, counts, latent_key, label_key, count, mesh)
    draw = np.random.Generator(np.random.Philox(key=0))
    chosen = np.split(draw.permutation(len(data))[: 2 * count], 2)
    real, others = (to_frames(data.images[np.sort(rows)], frames) for rows in chosen)
    truth = motion(real)

    def seen(clips: Clips) -> tuple[Moments, dict[str, float]]:
        found = extract(extractor, clips.reshape(-1, *clips.shape[2:]), mesh)
        if found.labels is None:
            return moments(found.values), {}
        labels = np.asarray(found.labels).reshape(len(clips), -1)
        return moments(found.values), {"same_class": float(np.mean(np.all(labels == labels[:, :1], axis=1)))}

    reference, _ = seen(real)

    def scored(clips: Clips) -> dict[str, float]:
        of_frames, told = seen(clips)
        found = hosts.by_first(lambda: {"fid": frechet_distance(reference, of_frames)} | apart(motion(clips), truth))
        return {name_of(extractor.name, name): value for name, value in (found | told).items()}

    shuffled = draw.permuted(np.broadcast_to(np.arange(frames), (count, frames)), axis=1)
    without = {"shuffled": others[np.arange(count)[:, None], shuffled], "still": others[:, :1].repeat(frames, axis=1)}
    beside = {f"real_{name}": value for name, value in scored(others).items()}
    for name, clips in without.items():
        beside |= {f"{name}_{score}": value for score, value in apart(motion(clips), truth).items()}
    told = protocol(
        asked,
        features=extractor.name,
        about=extractor.about,
        sha256=extractor.fingerprint,
        reference=f"{count:,} clips of {data.name}",
        data=data.fingerprint,
        things=data.things,
        samples=count,
        conventions=f"FID of all {frames} frames; Wasserstein distances in pixels and radians a frame",
    )

    weigh = compiled_weights(gan, counts, averaged=asked.averaged)

    def evaluate(state: GANState) -> Evaluation:
        weights = weigh(state)
        clips, _ = drawing.draw(weights, range(count))
        return Evaluation(int(state.step), scored(clips) | beside, told)

    return Judge(told, evaluate)


def _stills(data: Dataset) -> Dataset:
    """The last frame of clips that are evenly spread, in memory."""
    some = those(data, np.linspace(0, len(data) - 1, min(len(data), MOST)).astype(int))
    return replace(some, images=to_frames(some.images[:], data.frames)[:, -1], frames=1)
