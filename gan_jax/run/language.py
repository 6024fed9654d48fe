"""Judges text: its n-grams beside those of text that was held out, and beside what needs no network."""

import hashlib
from collections.abc import Callable

import jax
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.data.text import Pieces
from gan_jax.errors import ConfigError
from gan_jax.gan import GAN, GANState
from gan_jax.metrics.ngrams import ORDERS, Texts, divergence, divergences, markov
from gan_jax.run import hosts
from gan_jax.run.drawing import samples as drawn
from gan_jax.run.features import check_count
from gan_jax.run.judging import Asked, Judge, protocol
from gan_jax.run.sampling import Counts, compiled_weights
from gan_jax.run.scoreboard import Evaluation


def make_judge(
    config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Callable[[str], None]
) -> Judge:
    """The judge of a run whose data are text.

    js1 to js4 are of what is drawn, training_js1 to training_js4 of as many pieces of the training text, evenly spread:
    what a perfect writer could reach. markov1_js4 to markov4_js4 are of n-gram models of the training text. All of the
    same number of pieces, beside the same held-out ones. Raises ConfigError for features, which are of pictures, and
    DataError for too few pieces.
    """
    del say
    if asked.kind:
        raise ConfigError(f"features: text is compared by its n-grams, not in {asked.kind}; leave --features out")
    test = data.test
    assert test is not None
    assert isinstance(data.images, Pieces)
    latent_key, label_key = jax.random.split(jax.random.key(asked.seed))
    check_count(test, count := asked.samples)
    drawing = drawn(config, gan, data, counts, latent_key, label_key, count, mesh)
    real, train = _spread(test, count), _spread(data, count)
    beside = {f"training_{name}": value for name, value in divergences(train, real).items()}
    for n in ORDERS:
        written = markov(data.images.numbers, n, count=count, length=real.shape[1], seed=asked.seed)
        beside[f"markov{n}_js4"] = divergence(written, real, 4)
    told = protocol(
        asked,
        features="ngrams",
        about=f"n-grams of {len(data.alphabet)} characters",
        sha256=hashlib.sha256(data.alphabet.encode()).hexdigest(),
        reference=f"the last {config.data.test:g} of the text, {len(test):,} pieces of {real.shape[1]} characters",
        data=data.fingerprint,
        things=test.things,
        samples=count,
        conventions="Jensen-Shannon divergence in bits, which few pieces raise: beside it that of as many of the "
        "training text, and by n-gram models of it",
    )

    weigh = compiled_weights(gan, counts, averaged=asked.averaged)

    def evaluate(state: GANState) -> Evaluation:
        weights = weigh(state)
        texts, _ = drawing.draw(weights, range(count))
        found = hosts.by_first(lambda: divergences(_rows(texts), real))
        return Evaluation(int(state.step), found | beside, told)

    return Judge(told, evaluate)


def _spread(data: Dataset, count: int) -> Texts:
    return _rows(data.images[np.linspace(0, len(data) - 1, count).astype(int)])


def _rows(pieces: np.ndarray) -> Texts:
    return pieces.reshape(len(pieces), -1)
