"""What a GAN is given: rules, checked, and batches: checked, dealt out to the updates, and brought to floats."""

import inspect
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import latent_penalties
from gan_jax.images import check_range, condition_to_float, count, to_float
from gan_jax.losses import AdversarialLoss
from gan_jax.replay import Replay
from gan_jax.rules import Adaptive, adaptive
from gan_jax.types import Batch, Condition, Made, PRNGKey, Scalar, Weights

RULES = {
    "penalty": ("key", "critic", "real", "fake"),
    "supervise": ("key", "draw", "latents", "batch"),
    "average": ("average", "current", "step"),
    "augment": ("key", "images"),
}
"""What a GAN calls its plain rules with."""

SUCH_AS = {
    "penalty": "penalties.r1(10.0)",
    "supervise": "supervision.l1(100.0)",
    "average": "averaging.ema(0.999)",
    "augment": "augment.diffaugment.diff_augment()",
}
"""A value of each kind."""


def check_game(gan: Any) -> None:
    """Raises TypeError or ValueError for a field of a GAN that could only fail later, far from here."""
    if not isinstance(gan.loss, AdversarialLoss):
        raise TypeError(
            "loss: expected an AdversarialLoss, such as gan_jax.losses.hinge, or AdversarialLoss(discriminator, "
            f"generator) of two functions (real_logits, fake_logits) -> scalar, got {gan.loss!r}"
        )
    called = [type(network).__name__ for network in (gan.generator, gan.discriminator)]
    if "Discriminator" in called[0] and "Generator" in called[1]:
        raise TypeError(f"generator: got a {called[0]}, and a {called[1]} as discriminator; the generator comes first")
    for name in ("generator_optimizer", "discriminator_optimizer"):
        if not hasattr(getattr(gan, name), "update"):
            raise TypeError(f"{name}: expected one of optax's, such as adam(2e-4), got {getattr(gan, name)!r}")
    for name, names in RULES.items():
        _check_rule(name, getattr(gan, name), names, SUCH_AS[name])
    if not isinstance(gan.more_averages, Mapping):
        raise TypeError(
            'more_averages: expected them by name, such as {"slow": averaging.ema(0.9999)}, got '
            f"{gan.more_averages!r}"
        )
    for name, average in gan.more_averages.items():
        _check_rule(f"more_averages: {name}", average, RULES["average"], SUCH_AS["average"])
    for name in ("discriminator", "generator"):
        _check_rule(f"loss: {name}", getattr(gan.loss, name), ("real_logits", "fake_logits"), "losses.hinge has")
    if not isinstance(gan.latent_penalty, Adaptive | latent_penalties.LatentPenalty):
        raise TypeError(
            "latent_penalty: expected a LatentPenalty, such as gan_jax.latent_penalties.path_length(2.0), got "
            f"{gan.latent_penalty!r}"
        )
    if not isinstance(gan.replay, Replay):
        raise TypeError(f"replay: expected a Replay, such as gan_jax.replay.pool(50), got {gan.replay!r}")
    if gan.latent_size < 1:
        raise ValueError(f"latent_size: a latent has 1 dimension or more, not {gan.latent_size}")


def _check_rule(name: str, rule: Any, names: tuple[str, ...], such_as: str) -> None:
    if not isinstance(rule, Adaptive) and not _takes(rule, names):
        raise TypeError(f"{name}: expected a function ({', '.join(names)}), such as gan_jax.{such_as}, got {rule!r}")


def _takes(rule: Any, names: tuple[str, ...]) -> bool:
    if not callable(rule):
        return False
    try:
        inspect.signature(rule).bind(*names)
    except TypeError:
        return False
    except ValueError:  # of what is built in, nobody knows
        return True
    return True


def one_key(key: PRNGKey) -> PRNGKey:
    """The key, typed, if it is one, as of `jax.random.PRNGKey`, too. Raises TypeError, for instance for a seed."""
    if not hasattr(key, "dtype"):
        raise TypeError(f"key: expected a key, such as jax.random.key(0), got {key!r}")
    if np.ndim(key) == 0 and jnp.issubdtype(key.dtype, jnp.integer):
        raise TypeError(f"key: expected a key, such as jax.random.key({key}), got the number {key}")
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)


def read(batch: Batch) -> tuple[Made, Condition]:
    """Images and conditions as the networks see them: bytes become floats.

    Raises TypeError for images of integers other than uint8, ValueError for not as many conditions as images.
    """
    images = jax.tree.map(lambda leaf: to_float(jnp.asarray(leaf)), batch.images)
    return images, condition_to_float(one_each(batch.condition, count(images), "image"))


def one_each(condition: Condition, wanted: int, what: str) -> Condition:
    """A condition as arrays. Raises ValueError unless there are as many as `wanted`, one for each `what`."""

    def checked(leaf: Any) -> Any:
        leaf = jnp.asarray(leaf)
        if not leaf.ndim or leaf.shape[0] != wanted:
            told = leaf.shape[0] if leaf.ndim else "no list of"
            raise ValueError(f"every {what} needs a condition: there are {wanted}, and {told} conditions")
        return leaf

    return jax.tree.map(checked, condition, is_leaf=lambda node: isinstance(node, list))


def every_nth(condition: Condition, shown: int) -> Condition:
    """The conditions of every n-th image of the batch, where `shown` of them are (`penalties.lazy`).

    Raises ValueError where that is no whole part of the batch.
    """
    if not jax.tree.leaves(condition):
        return condition
    known = count(condition)
    if shown == 0 or known % shown != 0:
        raise ValueError(
            f"{shown} images were shown to a network that knows the conditions of a batch of {known}; show it the "
            "batch, or every n-th image of it"
        )
    return jax.tree.map(lambda leaf: leaf[:: known // shown], condition)


def check_weights(weights: Any) -> None:
    """Raises TypeError for what are no weights of a network, such as a state."""
    if not isinstance(weights, Weights):
        raise TypeError(f"weights: expected Weights, such as state.average, got a {type(weights).__name__}")


def must_match(made: Made, images: Made) -> None:
    """Raises ValueError unless a generator makes what the data are, by the shapes of both."""
    drawn, real = (jax.tree.map(lambda leaf: leaf.shape[1:], tree) for tree in (made, images))
    if drawn != real:
        turned = isinstance(real, tuple) and len(real) == 3 and drawn == (*real[1:], real[0])
        mend = "; images are [B, H, W, C], with the channels last" if turned else ""
        raise ValueError(f"the generator makes images of {drawn}, the data are {real}{mend}")


def total(**terms: Scalar) -> Scalar:
    """The sum of the terms of an objective. Raises TypeError or ValueError for one that is no scalar, by its name.

    And for a loss of integers, such as a count of errors, which has no slope.
    """
    for name, term in terms.items():
        if not jax.tree_util.all_leaves([term]):
            raise TypeError(f"{name}: expected a scalar, such as a mean over the batch, got a {type(term).__name__}")
        if jnp.ndim(term):
            raise ValueError(f"{name}: expected a scalar, such as a mean over the batch, got {list(jnp.shape(term))}")
        if name == "loss" and not jnp.issubdtype(jnp.result_type(term), jnp.floating):
            raise TypeError(f"{name}: expected a float, which has a slope, got {jnp.result_type(term)}")
    return reduce(add, terms.values())


def judged(logits: Any, shown: int) -> Any:
    """What a discriminator says of so many images. Raises ValueError for one logit on all, and for all in one row.

    A mean over the batch would pass for a verdict, and its slopes be 1 / B of an image's. Several images may share a
    logit (PacGAN, Lin et al. 2018, arXiv:1712.04086), and pytrees may hold anything.
    """
    if jax.tree_util.all_leaves([logits]) and jnp.shape(logits) in ((), (1, shown)) and shown > 1:
        raise ValueError(
            f"discriminator: logits are [{shown}, ...], one or more for each of {shown} images, not "
            f"{list(jnp.shape(logits))}"
        )
    return logits


def memories(gan: Any, state: Any) -> Any:
    """What the rules of a GAN remember, of a state in which they, its optimizers and its averages find what they need.

    Raises TypeError for what is no state, ValueError for one that another GAN began, naming what it lacks.
    """
    if not hasattr(state, "memories"):
        raise TypeError(f"state: expected a GANState, as `init` makes it, got a {type(state).__name__}")
    for name, memory in state.memories._asdict().items():
        start = adaptive(getattr(gan, name)).start
        if jax.tree.leaves(start) and not _alike(start, memory):
            raise _of_another(name, f"memories=state.memories._replace({name}={{}}.memories.{name})")
    for name in ("generator", "discriminator"):
        if not _goes_on(getattr(gan, f"{name}_optimizer"), *getattr(state, name)):
            part = f"{name}=state.{name}._replace(opt_state={{}}.{name}.opt_state)"
            raise _of_another(f"{name}_optimizer", part)
    if set(gan.more_averages) - set(state.more_averages):
        raise _of_another("more_averages", "more_averages={}.more_averages")
    return state.memories


def _goes_on(optimizer: optax.GradientTransformation, weights: Weights, opt_state: Any) -> bool:
    """Whether an optimizer can use a state: one as it begins with, or one that does as well."""
    params = weights.params
    if _alike(jax.eval_shape(optimizer.init, params), opt_state):
        return True
    asked = {"value": jnp.zeros(()), "grad": params, "value_fn": lambda params: jnp.zeros(())}
    update = optax.with_extra_args_support(optimizer).update
    try:
        jax.eval_shape(lambda params, opt_state: update(params, opt_state, params, **asked), params, opt_state)
    except Exception:  # of whatever kind it is to miss what it would find in a state of its own
        return False
    return True


def _alike(expected: Any, found: Any) -> bool:
    structure: Any = jax.tree.structure(expected)
    return bool(structure == jax.tree.structure(found))


def _of_another(rule: str, part: str) -> ValueError:
    begun = part.format("init(gan, key, batch)")
    return ValueError(
        f"{rule}: the state was begun by a GAN with another one, and lacks what this one remembers; give it that, as "
        f"it is in the beginning: state._replace({begun})"
    )


def one_batch(example: Batch) -> Batch:
    """The batch, or the first of several on a leading axis.

    Raises TypeError or ValueError for what is no batch of images, and, where values are known, for their range.
    """
    _check(example)
    batch = _at(example, 0) if _rank(example) == 5 else example
    for leaf in (*jax.tree.leaves(batch.images), *jax.tree.leaves(batch.condition)):
        if np.ndim(leaf) == 4:
            check_range(jnp.asarray(leaf))
    return batch


def deal(batch: Batch, discriminator_steps: int) -> list[Batch]:
    """One batch for each update of the discriminator, and one for the generator's.

    Raises TypeError for what is no batch, and ValueError for a leading axis of another length, or for no updates.
    """
    _check(batch)
    if not isinstance(discriminator_steps, int | np.integer) or discriminator_steps < 1:
        raise ValueError(f"discriminator_steps: expected a whole number from 1 up, got {discriminator_steps!r}")
    several = _rank(batch) == 5 if _rank(batch) else discriminator_steps > 1
    dealt = [_at(batch, i) for i in range(count(batch.images))] if several else [batch]
    if len(dealt) not in (discriminator_steps, discriminator_steps + 1):
        raise ValueError(
            f"{discriminator_steps} updates of the discriminator need as many batches, or one more for the "
            f"generator, on a leading axis; got {len(dealt)} in {_shapes(batch.images)}"
        )
    return dealt if len(dealt) > discriminator_steps else [*dealt, dealt[-1]]


def _rank(batch: Batch) -> int | None:
    """Of images; None of a pytree of other things, whose batches no rank tells apart from several."""
    return np.ndim(batch.images) if jax.tree_util.all_leaves([batch.images]) else None


def _at(batches: Batch, i: int) -> Batch:
    return jax.tree.map(lambda leaf: leaf[i], batches)


def _shapes(images: Made) -> str:
    return " and ".join(f"an array of {np.shape(leaf)}" for leaf in jax.tree.leaves(images))


def _check(batch: Batch) -> None:
    if not isinstance(batch, Batch):
        raise TypeError(f"expected Batch(images) or Batch(images, condition), got a {type(batch).__name__}")
    leaves = jax.tree.leaves(batch.images)
    if wrong := [leaf for leaf in leaves or [batch.images] if not hasattr(leaf, "dtype")]:
        within = "" if wrong[0] is batch.images else f" with a {type(wrong[0]).__name__} in it"
        raise TypeError(
            f"images: expected an array, or a pytree of arrays, got a {type(batch.images).__name__}{within}"
        )
    shapes = [np.shape(leaf) for leaf in leaves]
    empty = [shape for shape in shapes if not (shape and shape[0])]
    if _rank(batch) in (4, 5) and empty:
        raise ValueError(f"images: there are none, in {_shapes(batch.images)}")
    if _rank(batch) not in (None, 4, 5) or empty:
        raise ValueError(
            f"images are [B, H, W, C], or several such batches on a leading axis, not {list((empty or shapes)[0])}; "
            "anything else that a GAN makes is a tuple or dict of arrays"
        )
    if len({shape[0] for shape in shapes}) > 1:
        raise ValueError(f"images: all leaves have the batch's axis in front; got {_shapes(batch.images)}")
