"""The heart: a GAN is a value, its state is a pytree, and training is a pure function of the two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from gan_jax import averaging, inputs, latent_penalties, penalties, supervision
from gan_jax.augment import Augment, Draws, View, as_it_is, independent, views
from gan_jax.images import condition_to_float, count
from gan_jax.losses import AdversarialLoss, non_saturating
from gan_jax.network import evaluate, forward, init_weights, wide, zero_marks
from gan_jax.replay import Past, Replay, newest
from gan_jax.rules import Adaptive, Memory, adaptive
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


@dataclass(frozen=True)
class GAN:
    """Two networks and the rules of their game. Holds no arrays."""

    generator: Network  # (latents [B, L], condition) -> images [B, H, W, C] in [-1, 1], or what else the data are
    discriminator: Network  # (images, condition) -> logits [B, ...], or what else the loss is of
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent_size: int = 128
    loss: AdversarialLoss = non_saturating
    penalty: penalties.Penalty | Adaptive = penalties.none
    latent_penalty: latent_penalties.LatentPenalty | Adaptive = latent_penalties.none
    supervise: supervision.Supervision = supervision.none  # of the generator, by what it was given
    average: averaging.Averaging = field(default_factory=lambda: averaging.ema(0.999))
    more_averages: Mapping[str, averaging.Averaging] = field(default_factory=dict, hash=False)  # kept beside, by name
    augment: Augment | Adaptive = as_it_is  # what the discriminator sees of an image, real or fake
    draws: Draws = independent  # of augmentations, for real and for fake images
    replay: Replay = newest  # what the discriminator's update is shown of all that was made
    differentiate: Callable[..., Any] = lambda objective: jax.value_and_grad(objective, has_aux=True)  # see per_device

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for what could only fail later, far from here."""
        inputs.check_game(self)


class Player(NamedTuple):
    """What one network carries from a step to the next."""

    weights: Weights
    opt_state: optax.OptState


class Memories(NamedTuple):
    """What the rules that adapt remember, each its own; () where a rule does not."""

    penalty: Memory
    latent_penalty: Memory
    augment: Memory


class GANState(NamedTuple):
    """Everything that training changes, hence everything that a checkpoint holds."""

    step: Int[Array, ""]  # updates of the generator so far
    key: PRNGKey  # never changes: each step folds its own number in
    generator: Player
    discriminator: Player
    average: Weights  # of the generator, over steps: what one samples from
    more_averages: dict[str, Weights]
    memories: Memories  # moved by what each update saw
    past: Past  # generated images that the discriminator may see again


Step = Callable[[GANState, Batch], tuple[GANState, Metrics]]


def init(gan: GAN, key: PRNGKey, example: Batch) -> GANState:
    """Draws the first state. Of `example` only shapes and dtypes matter; the key is consumed.

    Of several batches of images on a leading axis the first is the example. Compiled as one program, once for each GAN
    that can be hashed. Raises ValueError if the generator does not make what the example is, and TypeError or
    ValueError for what is no network, or no batch: floats of 0 to 255 are no images.
    """
    example, key = inputs.one_batch(example), inputs.one_key(key)
    try:
        hash(gan)
    except TypeError:  # by a network of the user's
        return _init(gan, key, example)
    return _compiled_init(gan, key, example)


def _init(gan: GAN, key: PRNGKey, example: Batch) -> GANState:
    generator_key, discriminator_key, latent_key, state_key = jax.random.split(key, 4)
    images, condition = inputs.read(example)
    latents = sample_latents(gan, latent_key, count(images))
    generator = init_weights(gan.generator, generator_key, latents, condition)
    discriminator = init_weights(gan.discriminator, discriminator_key, images, condition)
    draw = lambda weights: generate(gan, weights, latents, condition, key=jax.random.key(0))
    inputs.must_match(jax.eval_shape(draw, generator), images)
    return GANState(
        step=jnp.zeros((), jnp.int32),
        key=state_key,
        generator=Player(generator, gan.generator_optimizer.init(generator.params)),
        discriminator=Player(discriminator, gan.discriminator_optimizer.init(discriminator.params)),
        average=averaging.begin(generator),
        more_averages={name: averaging.begin(generator) for name in gan.more_averages},
        # Copies: a step that donates its state must not be handed one buffer twice.
        memories=jax.tree.map(jnp.copy, Memories(*(adaptive(rule).start for rule in _rules(gan)))),
        past=gan.replay.start(Batch(images, condition)),
    )


_compiled_init = jax.jit(_init, static_argnums=0)


def make_step(gan: GAN, *, discriminator_steps: int = 1) -> Step:
    """Builds `step(state, batch) -> (state, metrics)`: k updates of the discriminator, one of the generator.

    The step is pure: its randomness is folded from `state.key` and `state.step` alone. Jit it, vmap it over
    states, or shard it. For k = `discriminator_steps` above 1 every array of the batch has a leading axis: of k
    batches, whose last the generator's update sees, too, or of k + 1, the last for the generator alone, as images may
    for k = 1. Metrics are scalars, float32 or wider, of the last update. With `optax.MultiSteps` each of its small
    steps is a step here: averages, and rules that change with the step, count those.
    """

    def step(state: GANState, batch: Batch) -> tuple[GANState, Metrics]:
        *d_batches, g_batch = inputs.deal(batch, discriminator_steps)
        *d_keys, g_key = jax.random.split(jax.random.fold_in(state.key, state.step), discriminator_steps + 1)
        for d_batch, d_key in zip(d_batches, d_keys, strict=True):
            state, d_metrics = update_discriminator(gan, state, d_batch, d_key)
        state, g_metrics = update_generator(gan, state, g_batch, g_key)
        return state._replace(step=state.step + 1), d_metrics | g_metrics

    return step


def update_discriminator(gan: GAN, state: GANState, batch: Batch, key: PRNGKey) -> tuple[GANState, Metrics]:
    """One step down the discriminator's loss and penalties; moves `state.discriminator`, `.memories` and `.past` only.

    The penalty's critic is the discriminator behind the real images' augmentation: slopes are at the image before it.
    """
    latent_key, draw_key, real_key, fake_key, penalty_key, smooth_key, augment_key, past_key = jax.random.split(key, 8)
    real, condition = inputs.read(batch)
    penalty, latent_penalty, augment = _now(gan, state)
    verdict = gan.loss.verdict
    see_real, see_fake = views(augment, *gan.draws(augment_key))
    latents = sample_latents(gan, latent_key, count(real))
    marks = zero_marks(gan.generator, latents, condition)
    draw = _drawer(gan, draw_key, condition)
    made, _ = draw(state.generator.weights, latents)
    (fake, told), past = gan.replay.show(past_key, state.past, Batch(made, condition))

    def objective(params: Params, stats: Stats) -> tuple[Scalar, tuple[Stats, Metrics]]:
        # Penalties draw at random what the loss drew, and are told again what it was told of real images.
        judge_real = _judge(gan, params, jax.random.clone(real_key), see_real, condition)
        judge_fake = _judge(gan, params, jax.random.clone(fake_key), see_fake, condition)
        real_logits, moved = judge_real(stats, real)
        fake_logits, moved = judge_fake(moved, fake, told)
        judge = lambda images: verdict(judge_real(stats, images)[0])
        loss, critic = penalties.loss_and_critic(gan, judge, (real, real_logits), (fake, fake_logits))
        extra = penalty(penalty_key, critic, real, made)  # the newest: the critic is told their conditions
        logits = lambda latents, marks: verdict(judge_fake(stats, draw(state.generator.weights, latents, marks)[0])[0])
        smooth, seen = latent_penalty.discriminator(smooth_key, logits, latents, marks)
        shown = {
            "d/loss": loss,
            "d/penalty": inputs.total(penalty=extra, latent_penalty=smooth),
            "d/real_logit": jnp.mean(verdict(real_logits)),
            "d/fake_logit": jnp.mean(verdict(fake_logits)),
            "d/real_sign": jnp.mean(jnp.sign(verdict(real_logits))),
        }
        return inputs.total(loss=loss, penalty=extra, latent_penalty=smooth), (moved, shown | seen)

    player, metrics = _descend(gan.differentiate(objective), state.discriminator, gan.discriminator_optimizer, "d")
    memories = state.memories._replace(
        penalty=adaptive(gan.penalty).learn(state.memories.penalty, metrics),
        augment=adaptive(gan.augment).learn(state.memories.augment, metrics),
    )
    return state._replace(discriminator=player, memories=memories, past=past), metrics


def update_generator(gan: GAN, state: GANState, batch: Batch, key: PRNGKey) -> tuple[GANState, Metrics]:
    """One step down the generator's loss, penalty and supervision; moves all of the state but the discriminator.

    Real images are classified too, for the losses that compare the two; jit drops this where a loss does not.
    """
    latent_key, generator_key, real_key, fake_key, penalty_key, augment_key, aid_key = jax.random.split(key, 7)
    real, condition = inputs.read(batch)
    _, latent_penalty, augment = _now(gan, state)
    see_real, see_fake = views(augment, *gan.draws(augment_key))
    latents = sample_latents(gan, latent_key, count(real))
    marks = zero_marks(gan.generator, latents, condition)
    draw = _drawer(gan, generator_key, condition)
    params, stats = state.discriminator.weights
    judge_real = _judge(gan, params, real_key, see_real, condition)
    judge_fake = _judge(gan, params, fake_key, see_fake, condition)

    def objective(params: Params, own: Stats) -> tuple[Scalar, tuple[Stats, Metrics]]:
        fake, moved = draw(Weights(params, own), latents)
        loss = gan.loss.generator(judge_real(stats, real)[0], judge_fake(stats, fake)[0])
        images = lambda latents, marks: draw(Weights(params, own), latents, marks)[0]
        extra, seen = latent_penalty.generator(penalty_key, images, latents, marks)
        again = lambda z, c: fake if z is latents and c is condition else draw(Weights(params, own), z, told=c)[0]
        aid, aided = gan.supervise(aid_key, again, latents, Batch(real, condition))
        shown = {"g/loss": loss, "g/penalty": extra} | seen | aided
        return inputs.total(loss=loss, latent_penalty=extra, supervise=aid), (moved, shown)

    player, metrics = _descend(gan.differentiate(objective), state.generator, gan.generator_optimizer, "g")
    learned = adaptive(gan.latent_penalty).learn(state.memories.latent_penalty, metrics)
    more = {n: rule(state.more_averages[n], player.weights, state.step) for n, rule in gan.more_averages.items()}
    return state._replace(
        generator=player,
        average=gan.average(state.average, player.weights, state.step),
        more_averages=more,
        memories=state.memories._replace(latent_penalty=learned),
    ), metrics


def sample_latents(gan: GAN, key: PRNGKey, count: int) -> Latents:
    """Standard normal latents, `[count, latent_size]` float32. The key is consumed."""
    return jax.random.normal(key, (count, gan.latent_size), jnp.float32)


def generate(
    gan: GAN, weights: Weights, latents: Latents, condition: Condition = None, *, key: PRNGKey | None = None
) -> Images:
    """Images `[B, H, W, C]` in [-1, 1], each a function of its own latent and condition only.

    `weights` are a state's `average`, or its `generator.weights`. A generator that draws at random here, too, needs
    a `key`, which is consumed. Raises TypeError for a state, ValueError for latents of another size or number.
    """
    inputs.check_weights(weights)
    if jnp.ndim(latents) != 2 or jnp.shape(latents)[1] != gan.latent_size:
        raise ValueError(f"latents are [B, {gan.latent_size}] here, not {list(jnp.shape(latents))}; see sample_latents")
    condition = inputs.one_each(condition, jnp.shape(latents)[0], "latent")
    return evaluate(gan.generator, weights, latents, condition_to_float(condition), key)


def _rules(gan: GAN) -> Memories:
    """The rules that may adapt, in the places of what they remember."""
    return Memories(gan.penalty, gan.latent_penalty, gan.augment)


def _now(gan: GAN, state: GANState) -> Memories:
    """The same as they are at this step: plain functions."""
    return Memories(*map(lambda rule, m: adaptive(rule).at(m, state.step), _rules(gan), inputs.memories(gan, state)))


def _drawer(gan: GAN, key: PRNGKey, condition: Condition) -> Callable[..., tuple[Images, Stats]]:
    """The generator as a function of (weights, latents, marks) whose passes all draw the same at random."""

    def draw(weights: Weights, latents: Latents, marks: Any = None, told: Any = condition) -> tuple[Images, Stats]:
        shown = inputs.every_nth(told, count(latents))
        return forward(gan.generator, weights, jax.random.clone(key), latents, shown, marks)

    return draw


def _judge(
    gan: GAN, params: Params, key: PRNGKey, see: View, condition: Condition
) -> Callable[..., tuple[Logits, Stats]]:
    """The discriminator as a function of (statistics, images, conditions) whose passes all draw the same at random."""

    def judge(stats: Stats, images: Images, told: Any = condition) -> tuple[Logits, Stats]:
        seen, shown = see(images, inputs.every_nth(told, count(images)))
        logits, moved = forward(gan.discriminator, Weights(params, stats), jax.random.clone(key), seen, shown)
        return inputs.judged(wide(logits), count(seen)), moved  # wide: rules learn from their means

    return judge


def _descend(
    slope: Callable[[Params, Stats], tuple[tuple[Scalar, tuple[Stats, Metrics]], Params]],
    player: Player,
    optimizer: optax.GradientTransformation,
    side: str,
) -> tuple[Player, Metrics]:
    """One optimizer step along `slope`, an objective and its gradient; adds the gradient's norm to the metrics.

    Optimizers that ask for more than the gradient, such as `optax.contrib.reduce_on_plateau`, are given it.
    """
    params, stats = player.weights
    (value, (moved, metrics)), gradient = slope(params, stats)
    asked = {"value": value, "grad": gradient, "value_fn": lambda params: slope(params, stats)[0][0]}
    updates, opt_state = optax.with_extra_args_support(optimizer).update(gradient, player.opt_state, params, **asked)
    metrics = wide(metrics | {f"{side}/gradient_norm": optax.tree.norm(gradient)})
    return Player(Weights(optax.apply_updates(params, updates), moved), opt_state), metrics
