"""StyleGAN2's networks: the published sizes, styles, noise, precision, conditions, and some steps of training."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, Batch, gan, latent_penalties
from gan_jax.layers.convolution import convolution
from gan_jax.layers.resampling import downsample, upsample
from gan_jax.losses import non_saturating
from gan_jax.models import stylegan2
from gan_jax.network import zero_marks
from gan_jax.penalties import r1

# Most of these tests' time is compilation, and much of that is of random numbers.
key = partial(jax.random.key, impl="unsafe_rbg")


def shapes(module, inputs, condition=None):
    draw = lambda inputs, condition: module.init_with_output(jax.random.key(0), inputs, condition, train=True)
    return jax.eval_shape(draw, inputs, condition)


def count(module, inputs, condition=None):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes(module, inputs, condition)[1]["params"]))


def small(size=8, channels=1, classes=0, **fields):
    generator = stylegan2.Generator(size, channels, 8, classes, mapping_layers=2, style_size=16)
    discriminator = stylegan2.Discriminator(8, classes, mapping_layers=1, group=2)
    of = lambda module: {name: value for name, value in fields.items() if hasattr(module, name)}
    return tuple(dataclasses.replace(module, **of(module)) for module in (generator, discriminator))


def test_ffhq_pair_has_as_many_parameters_as_published():
    """As the logs of the authors' code print them, of the generator with 8 and with 2 mapping layers."""
    latents, images = jnp.ones((4, 512)), jnp.ones((4, 1024, 1024, 3))
    assert count(stylegan2.Generator(1024, width=32), latents) == 30_370_060
    assert count(stylegan2.Generator(1024, width=32, mapping_layers=2), latents) == 28_794_124
    assert count(stylegan2.Discriminator(width=32), images) == 29_012_513


DENSE, WIDE = 512 * 512 + 512, 9 * 512 * 512 + 512


def test_cifar_10_pair_has_the_parameters_of_its_layers():
    """Counted by hand: 2 mapping layers, 512 channels everywhere, no short cuts in the discriminator."""
    latents, images, labels = jnp.ones((4, 512)), jnp.ones((4, 32, 32, 3)), jnp.arange(4)
    styled, image = WIDE + DENSE + 1, 512 * 3 + 3 + DENSE
    generator = stylegan2.Generator(32, width=512, mapping_layers=2, mixing=0.0)
    assert count(generator, latents) == 2 * DENSE + 16 * 512 + 7 * styled + 4 * image
    conditional = dataclasses.replace(generator, classes=10)
    assert count(conditional, latents, labels) == count(generator, latents) + 11 * 512 + 512 * 512
    discriminator = stylegan2.Discriminator(512, group=32, residual=False)
    body = 4 * 512 + 6 * WIDE + WIDE + 9 * 512 + 16 * 512 * 512 + 512
    assert count(discriminator, images) == body + 513
    conditional = dataclasses.replace(discriminator, classes=10)
    assert count(conditional, images, labels) == body + DENSE + 11 * 512 + 8 * DENSE
    assert count(dataclasses.replace(conditional, mapping_layers=0), images, labels) == body + DENSE + 11 * 512


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 2), (64, 3), (512, 16)])
def test_every_power_of_two_and_up_to_16_channels(size, channels):
    generator, discriminator = small(size, channels)
    images, variables = shapes(generator, jnp.ones((2, 8)))
    assert images.shape == (2, size, size, channels)
    assert variables["params"]["constant"].shape == (4, 4, min(2 * size, 512))
    assert variables["params"][f"layer_{size}"]["convolution"]["bias"].shape == (8,)
    assert shapes(discriminator, images)[0].shape == (2,)


@partial(jax.jit, static_argnums=0)
def begin(module, key, *inputs):
    return module.init_with_output(key, *inputs)


@partial(jax.jit, static_argnums=0)
def evaluate(module, variables, *inputs):
    """The output in evaluation mode, and what such a pass leaves behind where it may."""
    return module.apply(variables, *inputs, mutable=["mean_style"])


@partial(jax.jit, static_argnums=0)
def trained(generator, variables, latents, labels, key):
    """The same of a training pass."""
    mutable = ["mean_style", "noise"]
    return generator.apply(variables, latents, labels, train=True, rngs={"dropout": key}, mutable=mutable)


@pytest.fixture(scope="module")
def drawn():
    """A conditional pair of 8x8 pixels that does not mix, one batch, and the pair's variables and answers."""
    generator, discriminator = small(classes=10, mixing=0.0)
    latents, labels = jax.random.normal(key(1), (2, 12)), jnp.array([3, 7])
    images, variables = begin(generator, key(2), latents, labels)
    variables.pop("perturbations")
    judged = begin(discriminator, key(3), images, labels)
    return (generator, discriminator), latents, labels, (images, variables), judged


def set_strength(variables, value):
    """The same variables with another strength of the noise in every layer."""
    swap = lambda path, leaf: jnp.full_like(leaf, value) if path[-1].key == "strength" else leaf
    return variables | {"params": jax.tree_util.tree_map_with_path(swap, variables["params"])}


def test_pair_starts_with_finite_answers_of_moderate_size(drawn):
    _, _, _, (images, _), (logits, _) = drawn
    assert 0.1 < np.std(images) < 10
    assert np.all(np.isfinite(logits))
    assert np.max(np.abs(logits)) < 10


def test_parameters_start_as_published(drawn):
    *_, (_, generator), (_, discriminator) = drawn
    for variables in (generator, discriminator):
        np.testing.assert_allclose(np.std(variables["params"]["mapping"]["layer_0"]["kernel"]), 100, rtol=0.15)
    layer = generator["params"]["layer_8"]
    np.testing.assert_allclose(np.std(layer["convolution"]["kernel"]), 1, rtol=0.1)
    np.testing.assert_array_equal(layer["convolution"]["scales"]["bias"], np.ones(8))
    assert layer["strength"] == 0
    np.testing.assert_allclose(np.std(discriminator["params"]["mix"]["kernel"]), 1, rtol=0.1)


def test_layers_start_with_outputs_of_moment_one():
    """A rectifier of slope 0.2 times √2 leaves (1 + 0.2²) / 2 · 2 of the second moment of a normal input of mean 0."""
    x = jax.random.normal(key(0), (256, 128))
    styles, _ = begin(stylegan2.Mapping(1, 128), key(1), x, None)
    np.testing.assert_allclose(np.mean(styles**2), 1.04, rtol=0.05)
    layer = partial(stylegan2.StyledLayer(128, convolution).init_with_output, train=False)
    maps, _ = jax.jit(layer)(key(1), x.reshape(8, 8, 8, 64), jnp.zeros((8, 16)))
    np.testing.assert_allclose(np.mean(maps[:, 1:-1, 1:-1] ** 2), 1.04, rtol=0.1)


def test_conditional_logit_is_an_inner_product(drawn):
    (_, discriminator), _, labels, (images, _), (logits, variables) = drawn
    _, kept = jax.jit(lambda v: discriminator.apply(v, images, labels, capture_intermediates=True))(variables)
    seen, wanted = (kept["intermediates"][layer]["__call__"][0] for layer in ("logit", "mapping"))
    assert seen.shape == wanted.shape == (2, 16)
    np.testing.assert_allclose(logits, np.sum(seen * wanted, axis=1) / 4, rtol=1e-3, atol=1e-4)


def test_each_image_is_a_function_of_its_own_latent_and_label(drawn):
    """In evaluation, also where noise has a strength: it is always the same."""
    (generator, _), latents, labels, (_, variables), _ = drawn
    draw = lambda *inputs: evaluate(generator, set_strength(variables, 1.0), *inputs)[0]
    images = draw(latents, labels)
    np.testing.assert_array_equal(draw(latents, labels), images)
    np.testing.assert_allclose(draw(latents[::-1], labels[::-1])[::-1], images, rtol=1e-4, atol=1e-4)
    moved = draw(latents.at[1].add(1.0), labels)
    np.testing.assert_allclose(moved[0], images[0], rtol=1e-4, atol=1e-4)
    assert not np.allclose(moved[1], images[1], atol=1e-3)


def test_size_of_a_latent_does_not_matter_but_its_direction_does(drawn):
    (generator, _), latents, labels, (images, variables), _ = drawn
    larger, turned = (evaluate(generator, variables, factor * latents, labels)[0] for factor in (7, -1))
    np.testing.assert_allclose(larger, images, rtol=1e-3, atol=1e-4)
    assert not np.allclose(turned, images, atol=1e-2)


def test_labels_move_images_and_logits(drawn):
    (generator, discriminator), latents, labels, (images, g), (logits, d) = drawn
    assert not np.allclose(evaluate(generator, g, latents, labels + 1)[0], images, atol=1e-3)
    assert not np.allclose(evaluate(discriminator, d, images, labels + 1)[0], logits, atol=1e-3)


def test_image_is_the_sum_of_those_of_all_resolutions(drawn):
    (generator, _), latents, labels, (_, variables), _ = drawn
    image, kept = jax.jit(lambda v: generator.apply(v, latents, labels, capture_intermediates=True))(variables)
    coarse, fine = (kept["intermediates"][f"image_{pixels}"]["__call__"][0] for pixels in (4, 8))
    assert np.std(coarse) > 0.1
    np.testing.assert_allclose(image, upsample(coarse) + fine, rtol=1e-4, atol=1e-4)


def test_training_draws_noise_for_every_image_and_evaluation_keeps_its_own(drawn):
    (generator, _), latents, labels, (images, variables), _ = drawn
    quiet, _ = trained(generator, variables, latents, labels, key(0))
    np.testing.assert_allclose(quiet, images, rtol=1e-4, atol=1e-4)  # strengths start at zero
    noisy, twin = set_strength(variables, 1.0), (jnp.repeat(latents[:1], 2, axis=0), jnp.repeat(labels[:1], 2))
    twins, left = trained(generator, noisy, *twin, key(0))
    assert not np.allclose(twins[0], twins[1], atol=1e-2)
    assert not np.allclose(twins, trained(generator, noisy, *twin, key(1))[0], atol=1e-2)
    np.testing.assert_array_equal(twins, trained(generator, noisy, *twin, key(0))[0])
    jax.tree.map(np.testing.assert_array_equal, left["noise"], variables["noise"])
    fixed, _ = evaluate(generator, noisy, *twin)
    np.testing.assert_allclose(fixed[0], fixed[1], rtol=1e-4, atol=1e-4)
    assert not np.allclose(fixed[0], images[0], atol=1e-2)


def test_only_training_passes_move_the_mean_style(drawn):
    (generator, _), latents, labels, (_, variables), _ = drawn
    np.testing.assert_array_equal(variables["mean_style"]["mean"], np.zeros(16))
    mapping, told = stylegan2.Mapping(2, 16), jax.nn.one_hot(labels, 10)
    styles = mapping.apply({"params": variables["params"]["mapping"]}, latents, told)
    found = variables | {"mean_style": {"mean": jnp.ones(16)}}
    _, left = trained(generator, found, latents, labels, key(0))
    np.testing.assert_allclose(left["mean_style"]["mean"], 0.995 + 0.005 * np.mean(styles, 0), rtol=1e-5)
    _, kept = evaluate(generator, found, latents, labels)
    np.testing.assert_array_equal(kept["mean_style"]["mean"], np.ones(16))
    frozen = lambda v: generator.apply(v, latents, labels, train=True, rngs={"dropout": key(0)})
    assert jax.eval_shape(frozen, found).shape == (2, 8, 8, 1)


def test_truncation_draws_styles_to_the_mean_in_evaluation_only(drawn):
    (generator, _), latents, labels, (images, variables), _ = drawn
    variables = variables | {"mean_style": {"mean": jnp.linspace(-1, 1, 16)}}
    at = lambda psi: dataclasses.replace(generator, truncation=psi)
    all_one, half = (evaluate(at(psi), variables, latents, labels)[0] for psi in (0.0, 0.5))
    np.testing.assert_allclose(all_one[0], all_one[1], rtol=1e-5, atol=1e-5)
    distance = lambda pair: np.linalg.norm(pair[0] - pair[1])
    assert 0 < distance(half) < distance(images)
    np.testing.assert_allclose(trained(at(0.0), variables, latents, labels, key(0))[0], images, rtol=1e-4, atol=1e-4)


def test_marks_shift_the_styles_of_each_layer(drawn):
    """By 1 / √n of themselves, n layers: a mark of √n · δ at each is a mean style that is δ larger, truncated at 0."""
    (generator, _), latents, labels, (_, variables), _ = drawn
    generator = dataclasses.replace(generator, truncation=0.0)
    marks = zero_marks(generator, latents, labels)
    assert jax.tree.map(jnp.shape, marks) == {"styles": (2, 4, 16)}
    draw = lambda more: evaluate(generator, variables | more, latents, labels)[0]
    shift = jax.random.normal(key(1), (16,))
    shifted = draw({"mean_style": {"mean": shift}})
    marked = draw({"perturbations": {"styles": jnp.broadcast_to(2 * shift[None, None, :], (2, 4, 16))}})
    np.testing.assert_allclose(marked, shifted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(draw({"perturbations": marks}), draw({}), rtol=1e-5, atol=1e-5)
    assert not np.allclose(shifted, draw({}), atol=1e-2)


def test_each_layer_follows_its_own_style(drawn):
    """Style i is that of the i-th convolution; an image's layer shares it with the next convolution up."""
    (generator, _), latents, labels, (_, variables), _ = drawn

    layers = ["layer_4", "image_4", "layer_8_up", "layer_8", "image_8"]

    @jax.jit
    def outputs(marks):
        marked = variables | {"perturbations": {"styles": marks}}
        _, kept = generator.apply(marked, latents, labels, capture_intermediates=True)
        return [kept["intermediates"][layer]["__call__"][0] for layer in layers]

    still = outputs(jnp.zeros((2, 4, 16)))
    for place, reached in [(0, layers), (1, layers[1:]), (2, layers[3:]), (3, layers[4:])]:
        moved = outputs(jnp.zeros((2, 4, 16)).at[:, place].set(1.0))
        changed = [not np.allclose(a, b, atol=1e-3) for a, b in zip(still, moved, strict=True)]
        assert changed == [layer in reached for layer in layers]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_mixed_images_have_their_own_style_first_and_the_others_last(share):
    own, other = jnp.zeros((2000, 3)), jnp.ones((2000, 3))
    mixed = np.asarray(stylegan2.mixed_styles(key(0), own, other, 6, share))
    assert mixed.shape == (2000, 6, 3)
    np.testing.assert_array_equal(mixed, np.repeat(mixed[:, :, :1], 3, axis=2))
    assert np.all(np.diff(mixed[:, :, 0]) >= 0)
    assert not np.any(mixed[:, 0])
    np.testing.assert_allclose(np.mean(mixed[:, -1, 0]), share, atol=0.04)
    first = 6 - mixed[:, :, 0].sum(1)[mixed[:, -1, 0] == 1]
    assert set(first) == (set(range(1, 6)) if share else set())
    if share == 1:
        np.testing.assert_allclose(np.bincount(first.astype(int))[1:] / 2000, np.full(5, 0.2), atol=0.04)


def test_generator_mixes_the_share_that_it_is_told_to(drawn):
    """All of them or, as in the other tests, none. The mean style follows the images' own styles."""
    (generator, _), latents, labels, (images, variables), _ = drawn
    always = dataclasses.replace(generator, mixing=1.0)
    mixed, left = trained(always, variables, latents, labels, key(0))
    assert np.all(np.max(np.abs(mixed - images), axis=(1, 2, 3)) > 1e-3)
    _, alone = trained(generator, variables, latents, labels, key(0))
    np.testing.assert_allclose(left["mean_style"]["mean"], alone["mean_style"]["mean"], rtol=1e-4)
    np.testing.assert_allclose(evaluate(always, variables, latents, labels)[0], images, rtol=1e-4, atol=1e-4)


def test_block_adds_its_short_cut_and_keeps_the_variance():
    x = jax.random.normal(key(0), (2, 8, 8, 4))
    y, variables = begin(stylegan2.HalvingBlock(6), key(1), x)
    params = dict(variables["params"])
    short = params.pop("short")
    assert set(short) == {"kernel"}
    plain, _ = evaluate(stylegan2.HalvingBlock(6, residual=False), {"params": params}, x)
    added = jnp.einsum("bhwi,io->bhwo", downsample(x), short["kernel"][0, 0] / 2)
    np.testing.assert_allclose(y, (plain + added) / np.sqrt(2), rtol=1e-4, atol=1e-4)


def test_discriminator_sees_how_much_its_group_differs():
    """Of two groups every second image is in one: its image moves the others' logits, another group's does not."""
    discriminator = small()[1]
    images = jax.random.normal(key(0), (4, 8, 8, 1))
    logits, variables = begin(discriminator, key(1), images)
    moved = evaluate(discriminator, variables, images.at[1].multiply(3.0))[0] - logits
    assert abs(moved[3]) > 1e-4
    np.testing.assert_allclose(moved[::2], np.zeros(2), atol=1e-5)
    with pytest.raises(ValueError, match="a batch of 3 does not split into groups of 2"):
        shapes(discriminator, images[:3])


def test_vectors_are_conditions_too():
    """Of any values; only their direction is seen by a fresh network, whose embedding has no bias yet."""
    generator, discriminator = small(classes=3)
    told = jnp.array([[0.5, -1.0, 0.0], [1.0, 1.0, 0.0]])
    images, variables = shapes(generator, jnp.ones((2, 8)), told)
    assert variables["params"]["mapping"]["embed"]["kernel"].shape == (3, 16)
    assert shapes(discriminator, images, told)[0].shape == (2,)
    mapping = stylegan2.Mapping(2, 16)
    styles, variables = mapping.init_with_output(key(0), jnp.ones((2, 8)), told)
    np.testing.assert_allclose(mapping.apply(variables, jnp.ones((2, 8)), 3 * told), styles, rtol=1e-4, atol=1e-5)
    assert not np.allclose(styles[0], styles[1], atol=1e-3)


def test_one_hot_vectors_are_labels(drawn):
    (generator, discriminator), latents, labels, (images, g), (logits, d) = drawn
    told = jax.nn.one_hot(labels, 10)
    np.testing.assert_allclose(evaluate(generator, g, latents, told)[0], images, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(evaluate(discriminator, d, images, told)[0], logits, rtol=1e-4, atol=1e-4)


def test_low_precision_starts_at_the_stage_it_names():
    generator, discriminator = small(16, low_precision_from=16)

    def seen(module, inputs, layers):
        out, kept = jax.eval_shape(
            lambda: module.init_with_output(jax.random.key(0), inputs, capture_intermediates=True, mutable=True)
        )
        kept = dict(kept)
        inside = kept.pop("intermediates")
        assert {leaf.dtype for leaf in jax.tree.leaves(kept)} == {jnp.dtype("float32")}
        assert out.dtype == jnp.float32
        return tuple(inside[layer]["__call__"][0].dtype for layer in layers)

    half, single = jnp.bfloat16, jnp.float32
    layers = ("layer_8", "image_8", "layer_16_up", "image_16")
    assert seen(generator, jnp.ones((2, 8)), layers) == (single, single, half, half)
    layers = ("extract", "block_16", "block_8", "mix")
    assert seen(discriminator, jnp.ones((2, 16, 16, 1)), layers) == (half, half, single, single)


def clamped(module):
    """The same in float32, but clamped as networks of low precision are."""
    return dataclasses.replace(module, low_precision_from=2048)


def test_generators_of_low_precision_clamp_every_layer_and_every_image(drawn):
    """Styled layers keep the scale of what they are given, here that of a constant of 10,000 times its size."""
    (generator, _), latents, labels, (images, variables), _ = drawn
    params = variables["params"] | {"constant": 1e4 * variables["params"]["constant"]}

    @partial(jax.jit, static_argnums=0)
    def peaks(generator):
        large, kept = generator.apply(variables | {"params": params}, latents, labels, capture_intermediates=True)
        layers = [kept["intermediates"][layer]["__call__"][0] for layer in ("layer_4", "layer_8_up", "layer_8")]
        return large, [jnp.max(jnp.abs(layer)) for layer in layers]

    free, held = peaks(generator), peaks(clamped(generator))
    assert np.all(np.array(free[1]) > 1000)
    np.testing.assert_array_equal(held[1], 256)
    assert np.max(np.abs(free[0])) > 1000
    assert 256 < np.max(np.abs(held[0])) <= 512  # of two images, each clamped
    same, _ = evaluate(clamped(generator), variables, latents, labels)
    np.testing.assert_allclose(same, images, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
def test_discriminators_of_low_precision_clamp_and_stop_gradients_of_what_they_clamped(residual):
    discriminator = dataclasses.replace(small()[1], residual=residual)
    images = jnp.sign(jax.random.normal(key(0), (2, 8, 8, 1)))
    logits, variables = begin(discriminator, key(1), images)

    @partial(jax.jit, static_argnums=0)
    def judged(discriminator, images):
        judge = lambda images: jnp.sum(discriminator.apply(variables, images))
        _, kept = discriminator.apply(variables, images, capture_intermediates=True)
        return kept["intermediates"]["block_8"]["__call__"][0], jax.grad(judge)(images)

    free, held = judged(discriminator, 1e6 * images), judged(clamped(discriminator), 1e6 * images)
    assert np.max(np.abs(free[0])) > 1e4
    assert np.all(np.any(free[1] != 0, axis=(1, 2, 3)))
    assert residual or np.max(np.abs(held[0])) <= 256
    np.testing.assert_array_equal(held[1], 0)
    np.testing.assert_allclose(evaluate(clamped(discriminator), variables, images)[0], logits, atol=1e-5)
    assert np.any(judged(clamped(discriminator), images)[1] != 0)


def test_what_does_not_fit_is_refused():
    latents = jnp.ones((2, 8))
    for size in (4, 12, 2048):
        with pytest.raises(ValueError, match=f"a power of two from 8 to 1024 pixels, not {size}"):
            shapes(small(size)[0], latents)
    with pytest.raises(ValueError, match="longer side of 16 have multiples of 4, not 6x16"):
        shapes(small()[1], jnp.ones((2, 6, 16, 1)))
    with pytest.raises(ValueError, match="1 to 16 channels, not 17"):
        shapes(small(channels=17)[0], latents)
    with pytest.raises(ValueError, match="channels from 1, not 0"):
        shapes(small(width=0)[0], latents)
    with pytest.raises(ValueError, match=r"1 or more mapping layers.*not 0"):
        shapes(small(mapping_layers=0)[0], latents)
    with pytest.raises(ValueError, match=r"0 to 1 of its images; not 2 and 1\.5"):
        shapes(small(mixing=1.5)[0], latents)


@pytest.mark.parametrize("place", [0, 1])
def test_conditions_that_do_not_fit_are_refused(place):
    inputs = [jnp.ones((2, 8)), jnp.ones((2, 8, 8, 1))][place]
    with pytest.raises(ValueError, match="classes=N"):
        shapes(small()[place], inputs, jnp.arange(2))
    with pytest.raises(ValueError, match="10 classes and needs a label"):
        shapes(small(classes=10)[place], inputs)
    with pytest.raises(ValueError, match=r"labels \[B\] or attributes \[B, K\], not an array of \[2, 8, 8, 1\]"):
        shapes(small(classes=10)[place], inputs, jnp.ones((2, 8, 8, 1)))


@pytest.mark.parametrize("classes", [0, 3])
def test_two_steps_of_training_are_one_program_and_stay_finite(classes):
    """With R1, a double backward pass through the discriminator; the conditional pair also with path lengths."""
    generator, discriminator = small(classes=classes, mixing=0.5 if classes else 0.0)
    optimizer = optax.adam(2e-3, b1=0.0, b2=0.99)
    smooth = latent_penalties.path_length(2.0) if classes else latent_penalties.none
    game = GAN(generator, discriminator, optimizer, optimizer, 12, non_saturating, r1(0.1), smooth)
    labels = jnp.arange(4) % classes if classes else None
    batch = Batch(jax.random.uniform(key(0), (4, 8, 8, 1), minval=-1.0), labels)
    state = jax.jit(lambda key: gan.init(game, key, batch))(key(1))
    assert set(state.generator.weights.stats) == {"mean_style", "noise"}
    assert not state.discriminator.weights.stats
    assert not np.any(state.generator.weights.stats["mean_style"]["mean"])
    traces = []
    make = gan.make_step(game)
    step = jax.jit(lambda state, batch: traces.append(1) or make(state, batch))
    before = state
    for _ in range(2):
        state, metrics = step(state, batch)
        assert np.all(np.isfinite(list(metrics.values())))
    assert len(traces) == 1
    assert metrics["d/penalty"] > 0
    assert not classes or metrics["g/path_length"] > 0
    assert np.any(state.generator.weights.stats["mean_style"]["mean"])
    moved = jax.tree.map(lambda a, b: bool(np.any(a != b)), before.generator.weights, state.generator.weights)
    assert all(jax.tree.leaves(moved.params))
    assert not any(jax.tree.leaves(moved.stats["noise"]))
    moved = jax.tree.map(lambda a, b: bool(np.any(a != b)), before.discriminator.weights, state.discriminator.weights)
    assert all(jax.tree.leaves(moved.params))
