"""What a run trains: its state and its step."""

from functools import lru_cache
from types import ModuleType

import jax

from gan_jax import flops, parallel
from gan_jax.config import Config
from gan_jax.config.build import as_read, build_gan, example
from gan_jax.gan import GAN, GANState, Step, init
from gan_jax.tasks.task import through
from gan_jax.tasks.text import spelled_out


def abstract_state(config: Config, classes: int) -> GANState:
    """Shapes and dtypes of the state that a config trains."""
    gan = _one_gan(config, config.labels_told(classes))
    return jax.eval_shape(lambda: init(gan, jax.random.key(0), example(config)))


@lru_cache(maxsize=2)
def _one_gan(config: Config, told: int) -> GAN:
    """One and the same each time: JAX knows by the object what it has traced, and a run asks more than once."""
    return build_gan(config, told)


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
