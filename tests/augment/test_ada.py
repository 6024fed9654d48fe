"""The pipeline of probability p: nothing at 0, the promised shares between, and a rule that moves p."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax.augment import ada

KEY = jax.random.key(7)
parts = ada.ada, ada.full, ada.blit, ada.warp, ada.tint, ada.tune, ada.grain, ada.cut
run, full, blit, warp, tint, tune, grain, cut = (jax.jit(part) for part in parts)


def images(shape=(8, 8, 8, 3), seed=0):
    return jax.random.uniform(jax.random.key(seed), shape, minval=-1.0)


MANY = images((4000, 8, 8, 3))


def untouched(part, p):
    """The share of images that a part of the pipeline leaves bit for bit as they are."""
    return np.mean(np.all(part(KEY, MANY, p) == MANY, axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("part", "channels"),
    [(run, 3), pytest.param(full, 3, marks=pytest.mark.slow), (tint, 1)],
    ids=["recommended", "full", "tint of grey"],
)
def test_at_probability_zero_images_are_the_same_bit_for_bit(part, channels):
    source = np.array(images((8, 8, 8, channels)))
    source[0, 0, 0, 0] = -0.0
    np.testing.assert_array_equal(np.asarray(part(KEY, source, 0.0)).view(np.uint32), source.view(np.uint32))


@pytest.mark.parametrize("pipeline", [run, full, tune], ids=["recommended", "full", "tune"])
def test_at_probability_one_every_image_has_a_draw_of_its_own(pipeline):
    result = pipeline(KEY, jnp.tile(images()[:1], (8, 1, 1, 1)), 1.0)
    pairs = [(i, j) for i in range(8) for j in range(i)]
    assert all(np.max(np.abs(result[i] - result[j])) > 0.05 for i, j in pairs)
    assert np.all(np.isfinite(result))


def test_the_key_decides():
    np.testing.assert_array_equal(run(KEY, images(), 0.8), run(KEY, images(), 0.8))
    assert not np.array_equal(run(KEY, images(), 0.8), run(jax.random.key(8), images(), 0.8))


def test_the_same_key_makes_the_same_draws_for_other_images():
    # For one key the pipeline is affine in the images: so is a mean of two of them.
    mean = run(KEY, (images() + images(seed=1)) / 2, 1.0)
    np.testing.assert_allclose(mean, (run(KEY, images(), 1.0) + run(KEY, images(seed=1), 1.0)) / 2, atol=1e-4)


def test_one_program_serves_every_probability():
    traces = []
    traced = jax.jit(lambda p: traces.append(1) or ada.tint(KEY, ada.blit(KEY, images(), p), p))
    assert not np.array_equal(traced(0.3), traced(1.0))
    np.testing.assert_allclose(traced(1.0), tint(KEY, blit(KEY, images(), 1.0), 1.0), atol=1e-5)
    assert len(traces) == 1


@pytest.mark.parametrize("pipeline", [run, pytest.param(full, marks=pytest.mark.slow)], ids=["recommended", "full"])
def test_gradient_is_that_of_finite_differences(pipeline):
    check_grads(lambda x: pipeline(KEY, x, 1.0), (images(),), 1, modes=["rev"], rtol=1e-2, atol=1e-2)


def test_blits_move_pixels_and_make_none():
    for before, after in zip(MANY[:16], blit(KEY, MANY, 1.0)[:16], strict=True):
        assert {pixel.tobytes() for pixel in np.reshape(after, (-1, 3))} <= {
            pixel.tobytes() for pixel in np.reshape(before, (-1, 3))
        }


def test_images_that_are_no_squares_keep_their_shape_and_their_pixels():
    source = images((8, 8, 12, 3))
    assert jax.eval_shape(ada.full, KEY, source, 1.0).shape == source.shape
    for before, after in zip(source, blit(KEY, source, 1.0), strict=True):
        assert {p.tobytes() for p in np.reshape(after, (-1, 3))} <= {p.tobytes() for p in np.reshape(before, (-1, 3))}


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_images_are_left_alone_as_often_as_the_probabilities_say(p):
    # Flips do nothing half of the time, turns one time in four, and shifts of 8 pixels by U[-1, 1] round to (0, 0)
    # one time in four. Two rotations count as one.
    expected = {
        blit: (1 - p / 2) * (1 - 0.75 * p) ** 2,
        warp: (1 - p) ** 4,
        tint: (1 - p) ** 2 * (1 - p / 2) * (1 - p) ** 2,
        tune: (1 - p) ** 4,
        grain: 1 - p,
    }
    for part, share in expected.items():
        assert abs(untouched(part, p) - share) < 4 * np.sqrt(share * (1 - share) / 4000) + 1e-3


def test_the_full_pipeline_is_its_six_groups_in_order():
    first, second, third, fourth = jax.random.split(KEY, 4)
    by_hand = cut(fourth, grain(third, tune(second, run(first, images(), 0.9), 0.9), 0.9), 0.9)
    np.testing.assert_allclose(full(KEY, images(), 0.9), by_hand, atol=1e-5)


def test_the_gain_of_the_lowest_band_has_the_promised_spread():
    # A flat image is multiplied by its gain twice: g / √((10 g² + 3) / 13) of its own turn, g = 2^N(1), and what each
    # of the three others' turns leaves it, √(13 / (12 + h²)).
    gain = np.sqrt(np.asarray(tune(KEY, jnp.ones((4000, 8, 8, 1)), 1.0))[:, 4, 4, 0])
    g, *rest = np.exp2(np.random.default_rng(0).normal(size=(4, 100_000)))
    expected = g / np.sqrt((10 * g**2 + 3) / 13) * np.prod([np.sqrt(13 / (12 + h**2)) for h in rest], axis=0)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(gain, shares), np.quantile(expected, shares), rtol=0.05)


def test_noise_has_one_deviation_an_image_half_normal_over_images():
    deviations = np.std(grain(KEY, MANY, 1.0) - MANY, axis=(1, 2, 3))
    # Of a half-normal with deviation 0.1: the root of the mean square, and the mean. 1 % is three standard errors.
    assert abs(np.sqrt(np.mean(deviations**2)) / 0.1 - 1) < 0.04
    assert abs(np.mean(deviations) / (0.1 * np.sqrt(2 / np.pi)) - 1) < 0.04


def test_tints_of_grey_images_are_those_of_one_channel():
    grey = images((8, 8, 8, 1))
    coloured = tint(KEY, jnp.repeat(grey, 3, axis=-1), 1.0)
    np.testing.assert_allclose(coloured, jnp.repeat(tint(KEY, grey, 1.0), 3, axis=-1), atol=1e-5)


def test_four_channels_can_be_moved_but_not_tinted():
    source = images((2, 8, 8, 4))
    moved = jax.eval_shape(lambda x: ada.warp(KEY, ada.blit(KEY, x, 0.5), 0.5), source)
    assert (moved.shape, moved.dtype) == (source.shape, source.dtype)
    with pytest.raises(ValueError, match="1 or 3 channels, not 4"):
        jax.eval_shape(lambda x: ada.ada(KEY, x, 0.5), source)


def test_probability_rises_where_the_discriminator_is_sure_of_real_images_and_falls_where_it_guesses():
    np.testing.assert_allclose(ada.adapt(0.3, 1.0, images=256), 0.3 + 256 / 500_000, rtol=1e-6)
    np.testing.assert_allclose(ada.adapt(0.3, 0.0, images=256), 0.3 - 256 / 500_000, rtol=1e-6)
    assert ada.adapt(0.3, 0.5, target=0.5, images=256) == jnp.float32(0.3)


def test_probability_stays_in_its_range_and_takes_the_promised_images_to_cross_it():
    step = jax.jit(lambda p, overfitting: ada.adapt(p, overfitting, images=1000, kimg=10))
    p, seen = jnp.zeros(()), []
    for _ in range(12):
        p = step(p, 1.0)
        seen.append(float(p))
    np.testing.assert_allclose(seen, np.minimum(np.arange(1, 13) / 10, 1), rtol=1e-5)
    for _ in range(12):
        p = step(p, -1.0)
    assert p == 0


def test_the_adaptive_pipeline_learns_its_probability_from_the_signs_of_real_logits():
    rule = ada.adaptive(batch_size=100, target=0.5, kimg=1, start=0.2)
    memory = rule.start
    for sign in (1.0, 1.0, -1.0, -1.0):
        memory = rule.learn(memory, {"d/real_sign": jnp.float32(sign)})
    # r_t over about four batches: 0.625, 0.719, 0.289, -0.033
    np.testing.assert_allclose(memory.p, 0.2, rtol=1e-5)
    np.testing.assert_allclose(memory.overfitting, -0.0332, atol=1e-4)
    shown = jax.jit(lambda memory, key, images: rule.at(memory, jnp.zeros((), jnp.int32))(key, images))
    np.testing.assert_array_equal(shown(memory, KEY, images()), run(KEY, images(), memory.p))


def test_a_probability_above_one_is_refused():
    with pytest.raises(ValueError, match=r"in \[0, 1\], not 1.5"):
        ada.adaptive(batch_size=8, start=1.5)
