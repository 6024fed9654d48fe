"""What a pupil says beside what its teacher says: distances, their gradients, and what counts for nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.teaching import Pupil, apart

SAID = jax.random.normal(jax.random.key(0), (3, 5, 6))
FEATURES = jax.random.normal(jax.random.key(1), (3, 5, 6))


def cosines(a, b):
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_the_image_s_distance_and_the_mean_of_its_patches_are_added_up():
    apart_of_each = 1 - cosines(np.asarray(SAID), np.asarray(FEATURES))
    whole, patches = apart_of_each[:, 0], apart_of_each[:, 1:].mean(1)
    np.testing.assert_allclose(apart(SAID, FEATURES), whole + patches, rtol=1e-5)
    np.testing.assert_allclose(apart(SAID, FEATURES[:, 1:]), patches, rtol=1e-5)
    np.testing.assert_allclose(apart(SAID, FEATURES[:, :1]), whole, rtol=1e-5)


def test_the_gradient_is_that_of_its_closed_form():
    """By x it is -(f / |f| - cos x / |x|) / |x|; of patches a mean over four."""
    x, f = np.asarray(SAID, np.float64), np.asarray(FEATURES, np.float64)
    unit = lambda a: a / np.linalg.norm(a, axis=-1, keepdims=True)
    wanted = -(unit(f) - cosines(x, f)[..., None] * unit(x)) / np.linalg.norm(x, axis=-1, keepdims=True)
    wanted[:, 1:] /= 4
    found = jax.grad(lambda said: jnp.sum(apart(said, FEATURES)))(SAID)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_lengths_do_not_count():
    np.testing.assert_allclose(apart(3 * SAID, 0.1 * FEATURES), apart(SAID, FEATURES), rtol=1e-5)
    np.testing.assert_allclose(apart(SAID, SAID), 0, atol=1e-5)


def test_zeros_are_nothing_and_the_mean_is_over_the_others():
    some = FEATURES.at[:, 2:4].set(0)
    seen = np.array([1, 4])
    wanted = (1 - cosines(np.asarray(SAID), np.asarray(FEATURES)))[:, seen].mean(1)
    np.testing.assert_allclose(apart(SAID, some[:, 1:]), wanted, rtol=1e-5)
    slope = jax.grad(lambda said: jnp.sum(apart(said, some)))(SAID)
    assert jnp.all(slope[:, 2:4] == 0)
    nothing = jax.grad(lambda said: jnp.sum(apart(said, jnp.zeros_like(FEATURES))))(SAID)
    np.testing.assert_array_equal(nothing, jnp.zeros_like(SAID))


def test_where_a_teacher_says_nothing_distances_are_zero():
    np.testing.assert_array_equal(apart(SAID, None), jnp.zeros(3))


@pytest.mark.parametrize("shape", [(3, 2, 6), (3, 5, 7), (2, 5, 6), (3, 6, 6)])
def test_features_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"an image and its 4 patches are \[3, n, 6\], n being 1, 4 or 5, not"):
        apart(SAID, jnp.ones(shape))


def test_a_pupil_says_numbers_of_each_token_by_itself_in_float32():
    pupil = Pupil(7, 16, jnp.bfloat16)
    tokens = jax.random.normal(jax.random.key(2), (2, 5, 4))
    variables = pupil.init(jax.random.key(3), tokens)
    said = pupil.apply(variables, tokens)
    assert (said.shape, said.dtype) == ((2, 5, 7), jnp.float32)
    other = pupil.apply(variables, tokens.at[:, 1].add(1))
    assert np.any(said != other, axis=(0, 2)).tolist() == [False, True, False, False, False]
