"""The heart: a GAN is a value, its state is a pytree, and training is a pure function of the two."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from gan_jax import averaging, penalties
from gan_jax.augment import Augment, Draws, as_it_is, independent
from gan_jax.images import to_float
from gan_jax.losses import AdversarialLoss, non_saturating
from gan_jax.types import (
    Batch,
    Condition,
    Images,
    Latents,
    Logits,
    Metrics,
    Network,
    Params,
    PRNGKey,
    Scalar,
    Stats,
    Weights,
)


class Scheduled(NamedTuple):
    """A penalty or an augmentation that changes as training goes on.

    `Scheduled(lambda step: r1(gamma(step)))`: `at` makes the rule of a step, int32 from 0, inside the compiled step.
    """

    at: Callable[[Int[Array, ""]], Any]


@dataclass(frozen=True)
class GAN:
    """Two networks and the rules of their game. Holds no arrays."""

    generator: Network  # (latents [B, L], condition) -> images [B, H, W, C] in [-1, 1]
    discriminator: Network  # (images [B, H, W, C], condition) -> logits [B, ...]
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent_size: int = 128
    loss: AdversarialLoss = non_saturating
    penalty: penalties.Penalty | Scheduled = penalties.none
    average: averaging.Averaging = field(default_factory=lambda: averaging.ema(0.999))
    augment: Augment | Scheduled = as_it_is  # what the discriminator sees of an image, real or fake
    draws: Draws = independent  # of augmentations, for real and for fake images


class Player(NamedTuple):
    """What one network carries from a step to the next."""

    weights: Weights
    opt_state: optax.OptState


class GANState(NamedTuple):
    """Everything that training changes, hence everything that a checkpoint holds."""

    step: Int[Array, ""]  # updates of the generator so far
    key: PRNGKey  # never changes: each step folds its own number in
    generator: Player
    discriminator: Player
    average: Weights  # of the generator, over steps


Step = Callable[[GANState, Batch], tuple[GANState, Metrics]]


def init(gan: GAN, key: PRNGKey, example: Batch) -> GANState:
    """Draws the first state. Of `example` only shapes and dtypes matter; the key is consumed.

    Raises ValueError if the generator's images do not have the shape of the example's.
    """
    generator_key, discriminator_key, latent_key, state_key = jax.random.split(key, 4)
    images, condition = _read(example)
    latents = sample_latents(gan, latent_key, len(images))
    generator = _init_weights(gan.generator, generator_key, latents, condition)
    discriminator = _init_weights(gan.discriminator, discriminator_key, images, condition)
    made = jax.eval_shape(lambda w: generate(gan, w, latents, condition), generator)
    if made.shape != images.shape:
        raise ValueError(f"the generator makes images of {made.shape[1:]}, the data are {images.shape[1:]}")
    return GANState(
        step=jnp.zeros((), jnp.int32),
        key=state_key,
        generator=Player(generator, gan.generator_optimizer.init(generator.params)),
        discriminator=Player(discriminator, gan.discriminator_optimizer.init(discriminator.params)),
        # A copy: a step that donates its state must not be handed one buffer twice.
        average=jax.tree.map(jnp.copy, generator),
    )


def make_step(gan: GAN, *, discriminator_steps: int = 1) -> Step:
    """Builds `step(state, batch) -> (state, metrics)`: k updates of the discriminator, one of the generator.

    The step is pure: its randomness is folded from `state.key` and `state.step` alone. Jit it, vmap it over
    states, or shard it. With k = `discriminator_steps` > 1 every array of the batch has a leading axis of k;
    the generator's update sees the last of them. Metrics are float32 scalars, those of the last update.
    """

    def step(state: GANState, batch: Batch) -> tuple[GANState, Metrics]:
        *d_keys, g_key = jax.random.split(jax.random.fold_in(state.key, state.step), discriminator_steps + 1)
        batches = _unstack(batch, discriminator_steps)
        for d_batch, d_key in zip(batches, d_keys, strict=True):
            state, d_metrics = update_discriminator(gan, state, d_batch, d_key)
        state, g_metrics = update_generator(gan, state, batches[-1], g_key)
        return state._replace(step=state.step + 1), d_metrics | g_metrics

    return step


def update_discriminator(gan: GAN, state: GANState, batch: Batch, key: PRNGKey) -> tuple[GANState, Metrics]:
    """One step down the discriminator's loss and penalty; moves `state.discriminator` only.

    The penalty's critic is the discriminator behind the augmentation of the real images, so that slopes are taken at
    the image before it.
    """
    latent_key, generator_key, real_key, fake_key, penalty_key, augment_key = jax.random.split(key, 6)
    real, condition = _read(batch)
    see_real, see_fake = _views(gan, state.step, augment_key)
    latents = sample_latents(gan, latent_key, len(real))
    fake, _ = forward(gan.generator, state.generator.weights, generator_key, latents, condition)
    again = jax.random.clone(real_key)  # the penalty must see the very function that the loss saw

    def objective(params: Params, stats: Stats) -> tuple[Scalar, tuple[Stats, Metrics]]:
        def critic(images: Images) -> Logits:
            return forward(gan.discriminator, Weights(params, stats), again, see_real(images), condition)[0]

        real_logits, moved = forward(gan.discriminator, Weights(params, stats), real_key, see_real(real), condition)
        fake_logits, moved = forward(gan.discriminator, Weights(params, moved), fake_key, see_fake(fake), condition)
        loss = gan.loss.discriminator(real_logits, fake_logits)
        penalty = _now(gan.penalty, state.step)(penalty_key, critic, real, fake)
        shown = {
            "d/loss": loss,
            "d/penalty": penalty,
            "d/real_logit": jnp.mean(real_logits),
            "d/fake_logit": jnp.mean(fake_logits),
        }
        return loss + penalty, (moved, shown)

    player, slope, metrics = _descend(objective, state.discriminator, gan.discriminator_optimizer)
    return state._replace(discriminator=player), metrics | {"d/gradient_norm": slope}


def update_generator(gan: GAN, state: GANState, batch: Batch, key: PRNGKey) -> tuple[GANState, Metrics]:
    """One step down the generator's loss; moves `state.generator` and `state.average` only.

    Real images are classified too, for the losses that compare the two; jit drops this where a loss does not.
    """
    latent_key, generator_key, real_key, fake_key, augment_key = jax.random.split(key, 5)
    real, condition = _read(batch)
    see_real, see_fake = _views(gan, state.step, augment_key)
    latents = sample_latents(gan, latent_key, len(real))
    judge = state.discriminator.weights

    def objective(params: Params, stats: Stats) -> tuple[Scalar, tuple[Stats, Metrics]]:
        fake, moved = forward(gan.generator, Weights(params, stats), generator_key, latents, condition)
        real_logits, _ = forward(gan.discriminator, judge, real_key, see_real(real), condition)
        fake_logits, _ = forward(gan.discriminator, judge, fake_key, see_fake(fake), condition)
        loss = gan.loss.generator(real_logits, fake_logits)
        return loss, (moved, {"g/loss": loss})

    player, slope, metrics = _descend(objective, state.generator, gan.generator_optimizer)
    average = gan.average(state.average, player.weights, state.step)
    return state._replace(generator=player, average=average), metrics | {"g/gradient_norm": slope}


def sample_latents(gan: GAN, key: PRNGKey, count: int) -> Latents:
    """Standard normal latents, `[count, latent_size]` float32. The key is consumed."""
    return jax.random.normal(key, (count, gan.latent_size))


def generate(gan: GAN, weights: Weights, latents: Latents, condition: Condition = None) -> Images:
    """Images `[B, H, W, C]` in [-1, 1], each a function of its own latent and condition only."""
    return _apply(gan.generator, weights, None, latents, _scaled(condition), train=False, mutable=[])[0]


def standing_statistics(
    gan: GAN,
    weights: Weights,
    key: PRNGKey,
    condition: Condition = None,
    *,
    batch_size: int = 64,
    passes: int = 32,
) -> Weights:
    """The same parameters with batch statistics measured anew, over `passes` forward passes.

    A moving average of parameters is a network that never ran: the statistics of the raw one do not fit it. Brock et
    al. 2019 (arXiv:1809.11096) call such measured ones standing statistics. Here they are moved by the network's own
    rule: at its momentum of 0.9, 32 passes leave 3 % of what was there before. `condition`, if the generator takes
    one, holds `batch_size` typical ones. Networks without statistics come back unchanged; the key is consumed.
    """
    if not weights.stats:
        return weights

    def one_pass(i: Int[Array, ""], stats: Stats) -> Stats:
        latent_key, network_key = jax.random.split(jax.random.fold_in(key, i))
        latents = sample_latents(gan, latent_key, batch_size)
        return forward(gan.generator, Weights(weights.params, stats), network_key, latents, _scaled(condition))[1]

    return weights._replace(stats=jax.lax.fori_loop(0, passes, one_pass, weights.stats))


def forward(network: Network, weights: Weights, key: PRNGKey, inputs: Any, condition: Condition) -> tuple[Array, Stats]:
    """One forward pass in training mode: the output, and the statistics that it leaves behind."""
    return _apply(network, weights, {"dropout": key}, inputs, condition, train=True, mutable=list(weights.stats))


def _apply(
    network: Network, weights: Weights, rngs: Any, inputs: Any, condition: Condition, *, train: bool, mutable: list[str]
) -> tuple[Array, Stats]:
    variables = {"params": weights.params, **weights.stats}
    return network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)


def _init_weights(network: Network, key: PRNGKey, inputs: Any, condition: Condition) -> Weights:
    params_key, dropout_key = jax.random.split(key)
    variables = network.init({"params": params_key, "dropout": dropout_key}, inputs, condition, train=True)
    return Weights(variables["params"], {name: value for name, value in variables.items() if name != "params"})


def _descend(
    objective: Callable[[Params, Stats], tuple[Scalar, tuple[Stats, Metrics]]],
    player: Player,
    optimizer: optax.GradientTransformation,
) -> tuple[Player, Scalar, Metrics]:
    """One optimizer step on `objective(params, stats)`; also the norm of the gradient."""
    params, stats = player.weights
    gradient, (moved, metrics) = jax.grad(objective, has_aux=True)(params, stats)
    updates, opt_state = optimizer.update(gradient, player.opt_state, params)
    weights = Weights(optax.apply_updates(params, updates), moved)
    return Player(weights, opt_state), optax.tree.norm(gradient), metrics


def _views(gan: GAN, step: Int[Array, ""], key: PRNGKey) -> tuple[Callable[[Images], Images], ...]:
    """How the discriminator sees real and fake images in one update: the same images look the same each time."""
    look = _now(gan.augment, step)
    view = lambda key: lambda images: look(jax.random.clone(key), images)
    return tuple(view(key) for key in gan.draws(key))


def _now(rule: Any, step: Int[Array, ""]) -> Any:
    return rule.at(step) if isinstance(rule, Scheduled) else rule


def _read(batch: Batch) -> tuple[Images, Condition]:
    return to_float(batch.images), _scaled(batch.condition)


def _scaled(condition: Condition) -> Condition:
    """A condition that is an image, as floats in [-1, 1]; others as they are."""
    return to_float(condition) if condition is not None and condition.ndim == 4 else condition


def _unstack(batch: Batch, count: int) -> list[Batch]:
    if count == 1:
        return [batch]
    return [jax.tree.map(lambda array, i=i: array[i], batch) for i in range(count)]
