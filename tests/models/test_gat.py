"""GAT: sizes, levels, styles, and a few steps of its game."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, Batch, generate, init, losses, make_step, penalties
from gan_jax.augment.levels import noisy_levels
from gan_jax.flops import count as count_flops
from gan_jax.gan import update_discriminator, update_generator
from gan_jax.models import gat
from gan_jax.types import Taught, Weights

LABELS = jnp.array([0, 2, 2, 1])


def count(network, *args):
    variables = jax.eval_shape(lambda: network.init(jax.random.key(0), *args, train=True))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def derived(shape, patch, channels, classes, levels=4, z=64):
    """As the module's docstring has it."""
    n, w, heads = shape
    d, h, q, f = w // heads, 8 * w // 3, patch * patch * channels, 2048
    block = 4 * w * w + 4 * w + 2 * d + 3 * w * h + 2 * h + w
    told = classes * z + (2 * z + w + 2) * w if classes else (z + w + 2) * w
    generator = n * (block + 4 * w * w + 4 * w) + levels * (w * w + w + (w + 1) * q) + told
    judged = (w + 1) * f + classes * f + 2 * (f + 1) * f if classes else w + 1
    return generator, n * (block + 4 * w) + (levels * q + 3) * w + judged


def test_the_published_pair_of_size_s_has_as_many_parameters_as_published():
    labels = jnp.zeros(2, jnp.int32)
    assert count(gat.Generator(32, 4, classes=1000), jnp.zeros((2, 64)), labels) == 29_256_512
    assert count(gat.Discriminator(classes=1000), jnp.zeros((2, 32, 32, 4)), labels) == 32_556_160


@pytest.mark.parametrize("name", gat.SHAPES)
@pytest.mark.parametrize(("patch", "classes"), [(2, 1000), (8, 0)])
def test_parameters_are_as_many_as_derived_on_paper(name, patch, classes):
    shape, labels = gat.SHAPES[name], jnp.zeros(2, jnp.int32) if classes else None
    generator = gat.Generator(32, 4, *shape, patch, classes)
    discriminator = gat.Discriminator(*shape, patch, classes)
    found = count(generator, jnp.zeros((2, 64)), labels), count(discriminator, jnp.zeros((2, 32, 32, 4)), labels)
    assert found == derived(shape, patch, 4, classes)


SMALL = {"depth": 4, "width": 16, "heads": 2, "patch": 4, "classes": 3, "unrolled": False}  # sooner compiled


def small(**fields):
    return gat.Generator((8, 12), 2, **SMALL | fields)


@pytest.fixture(scope="module")
def drawn():
    """A small generator's variables, and latents."""
    latents = jax.random.normal(jax.random.key(0), (4, 6))
    variables = jax.jit(lambda: small().init(jax.random.key(1), latents, LABELS, train=True))()
    return variables, latents


def test_training_shows_all_levels_and_sampling_the_last(drawn):
    variables, latents = drawn
    levels, _ = small().apply(variables, latents, LABELS, train=True, mutable=["mean_style"])
    assert [level.shape for level in levels] == [(4, 8, 12, 2)] * 4
    np.testing.assert_array_equal(small().apply(variables, latents, LABELS), levels[-1])
    assert all(jnp.max(jnp.abs(a - b)) > 1e-3 for a, b in pairwise(levels))


def test_recomputed_blocks_and_bfloat16_draw_the_same(drawn):
    variables, latents = drawn
    images = small().apply(variables, latents, LABELS)
    np.testing.assert_allclose(small(recomputed=True).apply(variables, latents, LABELS), images, atol=1e-5)
    low = small(dtype=jnp.bfloat16).apply(variables, latents, LABELS)
    assert low.dtype == jnp.float32
    np.testing.assert_allclose(low, images, atol=0.05 * float(jnp.max(jnp.abs(images))))


@pytest.mark.parametrize("of", ["generator", "discriminator"])
def test_a_loop_of_blocks_is_what_is_written_out(of, drawn):
    if of == "generator":
        (variables, given), network = drawn, small
    else:
        given = jax.random.normal(jax.random.key(2), (4, 8, 12, 2))
        network = lambda **fields: gat.Discriminator(**SMALL | {"features": 8} | fields)
        variables = jax.jit(network().init)(jax.random.key(3), given, LABELS)

    def slopes(unrolled):
        made = network(unrolled=unrolled)
        loss = lambda params: jnp.sum(jnp.sin(made.apply(variables | {"params": params}, given, LABELS)))
        return jax.jit(jax.value_and_grad(loss))(variables["params"])

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), slopes(False), slopes(True))


def either(of, depth, **fields):
    """A generator or a discriminator of so many narrow blocks, and what it may be given."""
    if of == "generator":
        return gat.Generator(8, 1, depth, 8, 2, patch=4, **fields), jnp.zeros((2, 64))
    return gat.Discriminator(depth, 8, 2, patch=4, **fields), jnp.zeros((2, 8, 8, 1))


@pytest.mark.parametrize("unrolled", [None, False, True])
@pytest.mark.parametrize(("of", "depth"), [("generator", 8), ("discriminator", 8), ("discriminator", 4)])
def test_blocks_are_in_a_loop_where_one_asks_or_there_are_many(of, depth, unrolled):
    network, given = either(of, depth, unrolled=unrolled)
    variables = jax.eval_shape(network.init, jax.random.key(0), given)
    written_out = depth <= 4 if unrolled is None else unrolled
    assert ("stablehlo.while" in jax.jit(network.apply).lower(variables, given).as_text()) != written_out


@pytest.mark.parametrize("of", ["generator", "discriminator"])
def test_recomputed_blocks_make_their_products_twice(of):
    made = {}
    for recomputed in (False, True):
        network, given = either(of, 8, recomputed=recomputed)
        variables = jax.eval_shape(partial(network.init, train=True), jax.random.key(0), given)
        loss = lambda v, network=network, given=given: jnp.sum(network.apply(v, given))
        made[recomputed] = count_flops(jax.grad(loss), variables)
    assert 1.2 < made[True] / made[False] < 1.4  # 4 passes' worth in place of 3, but for products among tokens


@pytest.fixture(scope="module")
def styled():
    """A style of each of LABELS, and a function to have others."""
    latents = jax.random.normal(jax.random.key(0), (4, 6))
    one_hot = lambda labels: jax.nn.one_hot(labels, 3)
    variables = gat.Style(8, 3).init(jax.random.key(1), latents, one_hot(LABELS), train=True)
    means = jax.random.normal(jax.random.key(2), (3, 8))
    variables = variables | {"mean_style": {"mean": means}}

    def style(labels, *, train=False, **fields):
        module = gat.Style(8, 3, **fields)
        return module.apply(variables, latents, one_hot(labels), train=train, mutable=["mean_style"])

    return means, style


def test_mean_styles_move_to_those_of_their_labels_alone(styled):
    old, style = styled
    w, moved = style(LABELS, train=True)
    new = moved["mean_style"]["mean"]
    np.testing.assert_allclose(new[2], 0.995 * old[2] + 0.005 * (w[1] + w[2]) / 2, rtol=1e-5)
    np.testing.assert_allclose(style(LABELS * 0, train=True)[1]["mean_style"]["mean"][1:], old[1:])


def test_truncation_draws_to_the_mean_of_the_label_and_guidance_away_from_that_of_all(styled):
    means, style = styled
    w, mean = style(LABELS)[0], means[LABELS]
    np.testing.assert_allclose(style(LABELS, truncation=0.7)[0], mean + 0.7 * (w - mean), rtol=1e-4, atol=1e-5)
    usual = sum(style(jnp.full(4, label))[0] for label in range(3)) / 3
    np.testing.assert_allclose(style(LABELS, guidance=1.5)[0], usual + 1.5 * (w - usual), rtol=1e-4, atol=1e-5)


def test_the_discriminator_takes_an_image_for_all_of_its_levels_and_refuses_others():
    images = jax.random.normal(jax.random.key(0), (4, 8, 12, 2))
    network = gat.Discriminator(**SMALL)
    variables = jax.jit(network.init)(jax.random.key(1), images, LABELS)
    judge = jax.jit(network.apply)
    logits = judge(variables, images, LABELS)
    assert logits.shape == (4,)
    np.testing.assert_array_equal(judge(variables, (images,) * 4, LABELS), logits)
    with pytest.raises(ValueError, match="sees 4 levels of an image, not 2"):
        network.apply(variables, (images,) * 2, LABELS)


def test_levels_share_the_depth_evenly():
    with pytest.raises(ValueError, match="6 blocks has no equal parts for each of 4 levels"):
        jax.eval_shape(small(depth=6).init, jax.random.key(0), jnp.zeros((2, 6)), jnp.zeros(2, jnp.int32))


@pytest.mark.slow
def test_its_game_plays_one_step_after_another_and_samples():
    adam = optax.adam(1e-3, b1=0, b2=0.99)
    gan = GAN(
        small(),
        gat.Discriminator(**SMALL),
        adam,
        adam,
        latent_size=6,
        loss=losses.relativistic,
        penalty=penalties.total(penalties.r1_by_difference(0.1), penalties.r2_by_difference(0.1)),
        augment=noisy_levels(),
    )
    batch = Batch(jax.random.uniform(jax.random.key(0), (4, 8, 12, 2), minval=-1), LABELS)
    state = init(gan, jax.random.key(1), batch)
    step = jax.jit(make_step(gan))
    first = jax.tree.map(jnp.copy, state.generator.weights)
    for _ in range(2):
        state, metrics = step(state, batch)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["d/penalty"] > 0
    moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), first, state.generator.weights)
    assert all(jax.tree.leaves(moved))
    assert isinstance(state.average, Weights)
    assert generate(gan, state.average, jnp.ones((1, 6)), LABELS[:1]).shape == (1, 8, 12, 2)


TAUGHT = SMALL | {"features": 8, "teacher": 5}
SAID = jax.random.normal(jax.random.key(5), (4, 7, 5))
"""What a teacher says of each of four images of 8x12 pixels, and of its six patches."""


def game(**rules):
    sgd = optax.sgd(0.1)
    return GAN(small(), gat.Discriminator(**TAUGHT), sgd, sgd, latent_size=6, augment=noisy_levels(), **rules)


@pytest.fixture(scope="module")
def taught():
    """A batch with a teacher's features, and a first state."""
    images = jax.random.uniform(jax.random.key(0), (4, 8, 12, 2), minval=-1)
    batch = Batch(images, Taught(LABELS, SAID))
    return batch, init(game(loss=losses.taught(losses.relativistic)), jax.random.key(1), batch)


def test_a_teacher_adds_a_perceptron_and_nothing_else():
    images, labels = jnp.zeros((2, 32, 32, 4)), jnp.zeros(2, jnp.int32)
    head = 385 * 2048 + 2049 * 2048 + 2049 * 768
    assert count(gat.Discriminator(classes=1000, teacher=768), images, labels) == 32_556_160 + head
    plain = jax.eval_shape(lambda: gat.Discriminator(classes=1000).init(jax.random.key(0), images, labels))
    more = jax.eval_shape(lambda: gat.Discriminator(classes=1000, teacher=768).init(jax.random.key(0), images, labels))
    assert {**more["params"], "pupil": None} == {**plain["params"], "pupil": None}


def test_without_features_the_head_is_idle_and_the_verdict_is_the_same(taught):
    batch, state = taught
    told, without = (
        gat.Discriminator(**TAUGHT).apply({"params": state.discriminator.weights.params}, batch.images, condition)
        for condition in (batch.condition, LABELS)
    )
    np.testing.assert_array_equal(told.logits, without.logits)
    assert jnp.all(told.distance > 0)
    np.testing.assert_array_equal(without.distance, jnp.zeros(4))


def test_the_generator_draws_the_same_whatever_the_teacher_says(taught):
    batch, state = taught
    gan, latents = game(), jax.random.normal(jax.random.key(2), (4, 6))
    drawn = [generate(gan, state.average, latents, told) for told in (batch.condition, LABELS)]
    np.testing.assert_array_equal(*drawn)


def updates(of, batch, state, loss):
    update = jax.jit(partial(of, game(loss=loss)))
    return update(state, batch, jax.random.key(3))


def test_the_generator_is_updated_to_the_same_bits_without_a_teacher(taught):
    batch, state = taught
    loss = losses.relativistic
    alone = losses.part(loss, lambda said: said.logits)
    without = Batch(batch.images, LABELS)
    ours, rows = updates(update_generator, batch, state, losses.taught(loss, weight=3.0))
    theirs, others = updates(update_generator, without, state, alone)
    jax.tree.map(np.testing.assert_array_equal, ours.generator, theirs.generator)
    assert rows["g/loss"] == others["g/loss"]


def test_the_discriminator_goes_down_its_distance_on_real_images_beside_the_game(taught):
    """With plain descent its update is that of the game and, three times, that of the distance alone."""
    batch, state = taught

    @jax.jit  # one program for all weights
    def update(of_game, of_distance):
        judge = losses.relativistic.discriminator
        scaled = losses.relativistic._replace(discriminator=lambda real, fake: of_game * judge(real, fake))
        gan = game(loss=losses.taught(scaled, weight=of_distance))
        return update_discriminator(gan, state, batch, jax.random.key(3))

    before = state.discriminator.weights.params
    moved = {}
    for name, weights in {"both": (1.0, 3.0), "game": (1.0, 0.0), "distance": (0.0, 1.0)}.items():
        after, metrics = update(*weights)
        moved[name] = jax.tree.map(lambda a, b: a - b, after.discriminator.weights.params, before)
        jax.tree.map(np.testing.assert_array_equal, after.generator, state.generator)
        if name == "distance":
            assert 0 < metrics["d/loss"] < 4
    wanted = jax.tree.map(lambda a, b: a + 3 * b, moved["game"], moved["distance"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), moved["both"], wanted)
    assert jnp.all(moved["game"]["pupil"]["layer_0"]["kernel"] == 0)
    assert jnp.any(moved["distance"]["blocks"]["gated"]["joint"]["kernel"] != 0)
