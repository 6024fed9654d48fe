"""Networks of flax.nnx take part as they are, wrapped by Flax's own bridge."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import toys
from gan_jax import generate, init, make_step, sample_latents, standing_statistics


class Generator(nnx.Module):
    """One hidden layer with batch normalisation."""

    def __init__(self, latent, *, rngs):
        self.hidden = nnx.Linear(latent, 16, rngs=rngs)
        self.norm = nnx.BatchNorm(16, momentum=0.9, rngs=rngs)
        self.pixels = nnx.Linear(16, 16, rngs=rngs)

    def __call__(self, latents, condition=None, *, train=False):
        x = nnx.relu(self.norm(self.hidden(latents), use_running_average=not train))
        return jnp.tanh(self.pixels(x)).reshape(-1, 4, 4, 1)


class Discriminator(nnx.Module):
    """One hidden layer with dropout."""

    def __init__(self, *, rngs):
        self.hidden = nnx.Linear(16, 16, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.logit = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, images, condition=None, *, train=False):
        x = nnx.leaky_relu(self.hidden(images.reshape(-1, 16)))
        return self.logit(self.drop(x, deterministic=not train))[:, 0]


def test_nnx_networks_train_and_draw():
    gan = dataclasses.replace(
        toys.make(),
        generator=nnx.bridge.ToLinen(Generator, args=(8,)),
        discriminator=nnx.bridge.ToLinen(Discriminator),
    )
    state = init(gan, jax.random.key(0), toys.batch())
    moved, metrics = jax.jit(make_step(gan))(state, toys.batch())
    assert np.isfinite(metrics["d/loss"])
    for before, after in ((state.generator, moved.generator), (state.discriminator, moved.discriminator)):
        kernels = [player.weights.params["hidden"]["kernel"] for player in (before, after)]
        assert not np.array_equal(*kernels)
    measured = standing_statistics(gan, moved.average, jax.random.key(1), passes=2)
    means = [w.stats["batch_stats"]["norm"]["mean"] for w in (state.average, moved.generator.weights, measured)]
    assert len({mean.tobytes() for mean in map(np.asarray, means)}) == 3
    assert generate(gan, measured, sample_latents(gan, jax.random.key(2), 3)).shape == (3, 4, 4, 1)
