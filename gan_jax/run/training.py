"""What a run trains: the batch that is read, the one that the GAN is given of it, its state and its step."""

from types import ModuleType

import jax
import jax.numpy as jnp

from gan_jax import flops, parallel
from gan_jax.config import Config
from gan_jax.config.build import build_gan
from gan_jax.gan import GAN, GANState, Step, init
from gan_jax.tasks.task import made, through
from gan_jax.tasks.text import one_hot, spelled_out
from gan_jax.types import Batch


def as_read(config: Config, *, stacked: int = 1) -> Batch:
    """A batch of the shapes that are read from the data, all zeros."""
    lead = (config.batch_size,) if stacked == 1 else (stacked, config.batch_size)
    dtype = jnp.float32 if config.data.floats else jnp.uint8
    images = jnp.zeros((*lead, *config.read_size, config.read_channels), dtype)
    labels = jnp.zeros(lead, jnp.int32)
    if config.task.classifies:
        return Batch(images, (images, labels))
    return Batch(images, labels if config.tells else None)


def example(config: Config) -> Batch:
    """A batch of the shapes that the GAN is given."""
    batch = as_read(config)
    if config.data.kind == "text":
        return Batch(one_hot(batch.images, config.data.alphabet))
    return made(config.task.build(), jax.random.key(0), batch.images) if config.task.given else batch


def abstract_state(config: Config, classes: int) -> GANState:
    """Shapes and dtypes of the state that a config trains."""
    gan = build_gan(config, classes)
    return jax.eval_shape(lambda: init(gan, jax.random.key(0), example(config)))


def make_step(config: Config, gan: GAN, way: ModuleType = parallel) -> Step:
    """The step of a run, which takes what is read; not compiled."""
    step: Step = way.make_step(gan, discriminator_steps=config.discriminator_steps)
    if config.data.kind == "text":
        return spelled_out(step, config.data.alphabet)
    if not config.task.given:
        return step
    return through(config.task.build(), step, stacked=config.batches_per_step)


def step_flops(config: Config, gan: GAN) -> float:
    """FLOPs of a step of training as it is written, over all devices. Nothing is computed."""
    state = jax.eval_shape(lambda: init(gan, jax.random.key(0), example(config)))
    batch = jax.eval_shape(lambda: as_read(config, stacked=config.batches_per_step))
    return flops.count(make_step(config, gan), state, batch)
