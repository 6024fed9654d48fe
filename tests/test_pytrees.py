"""What a GAN makes, is told, and says of it may be any pytree of arrays with a batch in front."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax import GAN, Batch, generate, init, losses, make_step, penalties, sample_latents, supervision
from gan_jax.gan import update_discriminator
from gan_jax.network import evaluate

KEY = jax.random.key(0)


def uniform(seed, *shape):
    return jax.random.uniform(jax.random.key(seed), shape, minval=-1, maxval=1)


class Pixelwise(nn.Module):
    """From one domain of images to another, pixel by pixel."""

    channels: int

    @nn.compact
    def __call__(self, images):
        return nn.tanh(nn.Dense(self.channels, name="pixels")(images))


class Both(nn.Module):
    """CycleGAN's two translators as one: (a, b) becomes (F(b), G(a)), each in its domain."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        a, b = condition
        return Pixelwise(1, name="to_a")(b), Pixelwise(3, name="to_b")(a)


class Judges(nn.Module):
    """A judge for each domain: logits, or patches, under names."""

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        a, b = images
        of_a = nn.Dense(1, name="a")(jnp.square(a).reshape(len(a), -1))[:, 0]
        return {"a": of_a, "b": nn.Dense(1, name="b")(jnp.square(b))[..., 0]}


def two_domains(**rules):
    sgd = optax.sgd(0.1)
    rules = {"loss": losses.each(losses.hinge), "latent_size": 1} | rules
    return GAN(Both(), Judges(), sgd, sgd, **rules)


def pair_of(seed, count=4):
    a, b = uniform(seed, count, 4, 4, 1), uniform(seed + 1, count, 4, 4, 3)
    return Batch((a, b), (a, b))


def finite(tree):
    return all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(tree))


def moved(before, after):
    return not all(jax.tree.leaves(jax.tree.map(jnp.array_equal, before.weights.params, after.weights.params)))


@pytest.fixture(scope="module")
def begun():
    return init(two_domains(), KEY, pair_of(0))


def test_a_pair_of_images_is_judged_in_both_domains_and_drawn(begun):
    gan = two_domains(
        penalty=penalties.total(penalties.wgan_gp(1.0), penalties.lazy(penalties.dragan(1.0, deviation=0.1), 2)),
        supervise=supervision.l1(1.0),
    )
    state, metrics = jax.jit(make_step(gan))(begun, pair_of(0))
    assert finite(metrics)
    assert metrics["d/penalty"] > 0
    assert moved(begun.generator, state.generator)
    assert moved(begun.discriminator, state.discriminator)
    drawn = generate(gan, state.average, sample_latents(gan, KEY, 4), pair_of(0).condition)
    assert [leaf.shape for leaf in drawn] == [(4, 4, 4, 1), (4, 4, 4, 3)]


def test_the_metrics_of_scales_are_those_of_all_logits_side_by_side(begun):
    batch = pair_of(0)
    _, metrics = jax.jit(update_discriminator, static_argnums=0)(two_domains(), begun, batch, KEY)
    said = evaluate(Judges(), begun.discriminator.weights, batch.images, None)
    of_all = np.concatenate([said["a"][:, None], np.asarray(said["b"]).reshape(4, -1)], axis=1)
    np.testing.assert_allclose(metrics["d/real_logit"], np.mean(of_all), rtol=1e-5)


def test_several_batches_of_pairs_lie_on_a_leading_axis(begun):
    gan, batches = two_domains(), [pair_of(seed) for seed in (0, 10, 20)]
    stack = lambda *batches: jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches)
    step = jax.jit(make_step(gan, discriminator_steps=2))
    shared, _ = step(begun, stack(*batches[:2]))
    *keys, _ = jax.random.split(jax.random.fold_in(begun.key, 0), 3)
    by_hand = begun
    for batch, key in zip(batches, keys, strict=False):
        by_hand, _ = jax.jit(update_discriminator, static_argnums=0)(gan, by_hand, batch, key)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6)
    jax.tree.map(close, shared.discriminator, by_hand.discriminator)
    with pytest.raises(ValueError, match=r"2 updates .* got 4 in an array of \(4, 4, 4, 1\) and .*\(4, 4, 4, 3\)"):
        make_step(gan, discriminator_steps=2)(begun, batches[0])


in_two = lambda array: {"first": array[:, :3], "then": array[:, 3:]}
joined = lambda tree: jnp.concatenate([tree["first"], tree["then"]], axis=1)


@pytest.mark.parametrize(
    "penalty",
    [
        penalties.r1(3.0),
        penalties.r2(3.0),
        penalties.wgan_gp(10.0),
        penalties.wgan_lp(10.0, 0.1),
        penalties.dragan(10.0, deviation=0.2),
        penalties.lazy(penalties.r1(3.0), 2),
    ],
    ids=["r1", "r2", "wgan_gp", "wgan_lp", "dragan", "lazy"],
)
def test_a_penalty_of_a_pytree_is_that_of_one_array_of_the_same_numbers(penalty):
    critic = lambda x: jnp.sum(jnp.sin(3 * x) * uniform(9, 1, 5, 4, 4), axis=(1, 2, 3))
    real, fake = uniform(1, 4, 5, 4, 4), uniform(2, 4, 5, 4, 4)
    expected = penalty(KEY, critic, real, fake)
    found = penalty(KEY, lambda tree: critic(joined(tree)), in_two(real), in_two(fake))
    assert expected > 0
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_dragans_noise_is_another_for_each_leaf():
    """Of the difference of two equal leaves no slope would be left, were their noise the same."""
    critic = lambda pair: jnp.sum(jnp.square(pair[0] - pair[1]), axis=1)
    zeros = jnp.zeros((4, 3)), jnp.zeros((4, 3))
    assert penalties.dragan(1.0, deviation=1.0, target=0.0)(KEY, critic, zeros, zeros) > 1


class Wrapped:
    """A network for images in a tuple of one, of one for plain images."""

    def __init__(self, network: Any, *, judges: bool) -> None:
        self.network, self.judges = network, judges

    def init(self, rngs, inputs, condition, *, train):
        return self.network.init(rngs, inputs[0] if self.judges else inputs, condition, train=train)

    def apply(self, variables, inputs, condition, *, train, rngs, mutable):
        inputs = inputs[0] if self.judges else inputs
        outputs, moved = self.network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)
        return outputs if self.judges else (outputs,), moved


def test_images_in_a_tuple_train_to_the_bit_as_images_do():
    plain = toys.make(penalty=penalties.total(penalties.dragan(1.0, deviation=0.1), penalties.wgan_gp(1.0)))
    wrapped = dataclasses.replace(
        plain, generator=Wrapped(plain.generator, judges=False), discriminator=Wrapped(plain.discriminator, judges=True)
    )
    batch = toys.batch()
    results = []
    for gan, given in ((plain, batch), (wrapped, Batch((batch.images,)))):
        step, state = jax.jit(make_step(gan)), init(gan, KEY, given)
        results.append(step(state, given))
    for ours, theirs in zip(*map(jax.tree.leaves, results), strict=True):
        bits = lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        np.testing.assert_array_equal(bits(ours), bits(theirs))


class Clips(nn.Module):
    """Clips `[B, T, H, W, C]` and what is heard, under names, of a condition that is a pytree, too."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        x = jnp.concatenate([latents, condition["of"][1], nn.Embed(3, 4, name="label")(condition["label"])], axis=1)
        clip = nn.tanh(nn.Dense(2 * 4 * 4, name="clip")(x)).reshape(-1, 2, 4, 4, 1)
        return {"clip": clip, "sound": nn.tanh(nn.Dense(6, name="sound")(x))}


class Watches(nn.Module):
    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        clip = images["clip"].reshape(len(images["clip"]), -1)
        x = jnp.concatenate([clip, images["sound"], condition["of"][1]], axis=1)
        features = nn.leaky_relu(nn.Dense(8, name="features")(x))
        return {"logit": nn.Dense(1, name="logit")(features)[:, 0], "features": features}


def test_clips_beside_sounds_of_conditions_in_a_dict_with_features_beside_the_verdict():
    game = losses.part(losses.relativistic, lambda said: said["logit"])
    matching = losses.feature_matching(game, lambda said: said["features"], weight=2.0)
    sgd, penalty = optax.sgd(0.1), penalties.lazy(penalties.r1(1.0), 2)
    gan = GAN(Clips(), Watches(), sgd, sgd, latent_size=3, loss=matching, penalty=penalty)
    images = {"clip": jnp.zeros((4, 2, 4, 4, 1), jnp.uint8), "sound": uniform(0, 4, 6)}
    batch = Batch(images, {"of": (None, uniform(1, 4, 2)), "label": jnp.arange(4) % 3})
    state = init(gan, KEY, batch)
    after, metrics = jax.jit(make_step(gan))(state, batch)
    assert finite(metrics)
    assert metrics["d/penalty"] > 0
    drawn = generate(gan, after.average, sample_latents(gan, KEY, 4), batch.condition)
    assert jax.tree.map(jnp.shape, drawn) == {"clip": (4, 2, 4, 4, 1), "sound": (4, 6)}
    with pytest.raises(ValueError, match="there are 3, and 4 conditions"):
        generate(gan, after.average, sample_latents(gan, KEY, 3), batch.condition)


IMAGE = np.zeros((4, 4, 4, 1), np.float32)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ((), r"expected an array, or a pytree of arrays, got a tuple"),
        ((IMAGE, 3), "expected an array, or a pytree of arrays, got a tuple with an? int in it"),
        ({"a": IMAGE, "b": "text"}, "got a dict with a str in it"),
        (None, "got a NoneType"),
        ((IMAGE, IMAGE[:2]), r"all leaves have the batch's axis in front; got an array of \(4, 4, 4, 1\) and .*\(2, 4"),
        ((IMAGE, np.float32(0)), r"batches on a leading axis, not \[\]"),
        ((IMAGE + 255, IMAGE), "these reach 255"),
        ((IMAGE.astype(np.int32), IMAGE), "not int32"),
        ((IMAGE, IMAGE), r"makes images of \(\(4, 4, 1\), \(4, 4, 3\)\), the data are \(\(4, 4, 1\), \(4, 4, 1\)\)"),
        ({"a": IMAGE, "b": IMAGE}, r"makes images of .*, the data are \{'a': \(4, 4, 1\), 'b'"),
    ],
)
def test_what_is_no_pytree_of_images_is_refused_by_the_first_state(images, said):
    class Judge(nn.Module):
        @nn.compact
        def __call__(self, images, condition=None, *, train=False):
            return nn.Dense(1, name="logit")(jax.tree.leaves(images)[0])[..., 0]

    gan = dataclasses.replace(two_domains(), discriminator=Judge())
    with pytest.raises((TypeError, ValueError), match=said):
        init(gan, KEY, Batch(images, (IMAGE, np.zeros((4, 4, 4, 3), np.float32))))


def test_a_plain_loss_of_a_pytree_of_logits_says_which_losses_take_one(begun):
    with pytest.raises(TypeError, match=r"not a dict; .* losses.each, for scales, or by losses.part"):
        make_step(two_domains(loss=losses.hinge))(begun, pair_of(0))


def test_a_network_that_returns_no_arrays_is_refused():
    class Empty(nn.Module):
        @nn.compact
        def __call__(self, images, condition=None, *, train=False):
            self.param("w", nn.initializers.zeros, ())
            return {}

    gan = dataclasses.replace(two_domains(), generator=Empty())
    with pytest.raises(TypeError, match=r"Empty returns a dict; a network returns an array.*or a pytree of arrays"):
        init(gan, KEY, pair_of(0))
