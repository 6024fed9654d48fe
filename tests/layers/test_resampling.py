"""Sampling up and down against its definition written out in loops, and the laws that it must keep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normal

from gan_jax.layers import resampling
from gan_jax.layers.convolution import convolution

TAPS = [(1, 3, 3, 1), (1, 1), (1, 5, 10, 10, 5, 1)]
CASES = [(TAPS[0], (2, 2)), *((taps, (4, 6)) for taps in TAPS)]

upsample = jax.jit(resampling.upsample, static_argnums=1)
downsample = jax.jit(resampling.downsample, static_argnums=1)


def filtered(image, taps, gain):
    """Convolution of `[H, W]` with the taps' outer product; tap n/2 - 1 of output (0, 0) lies on image (0, 0)."""
    f = np.asarray(taps, float) / sum(taps)
    n, (height, width) = len(f), image.shape
    padded = np.pad(image, n)
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            for i in range(n):
                for j in range(n):
                    pixel = padded[n + row + n // 2 - 1 - i, n + column + n // 2 - 1 - j]
                    out[row, column] += gain * f[i] * f[j] * pixel
    return out


@pytest.mark.parametrize(("taps", "size"), CASES)
def test_upsample_inserts_zeros_and_filters_with_a_gain_of_four(taps, size):
    x = normal(0, 1, *size, 1)
    spread = np.zeros((2 * size[0], 2 * size[1]))
    spread[::2, ::2] = x[0, :, :, 0]
    np.testing.assert_allclose(upsample(x, taps)[0, :, :, 0], filtered(spread, taps, 4), atol=1e-5)


@pytest.mark.parametrize(("taps", "size"), CASES)
def test_downsample_filters_and_drops(taps, size):
    x = normal(1, 1, *size, 1)
    # A filter of an even number of taps is centred between pixels: one pixel on is the pair's own middle.
    kept = filtered(np.pad(x[0, :, :, 0], ((0, 1), (0, 1))), taps, 1)[1::2, 1::2]
    np.testing.assert_allclose(downsample(x, taps)[0, :, :, 0], kept, atol=1e-5)


@pytest.mark.parametrize(("taps", "size"), CASES)
def test_upsample_is_four_times_the_adjoint_of_downsample(taps, size):
    small, large = normal(2, 2, *size, 3), normal(3, 2, 2 * size[0], 2 * size[1], 3)
    up, down = upsample(small, taps), downsample(large, taps)
    assert up.shape == large.shape
    assert down.shape == small.shape
    np.testing.assert_allclose(jnp.vdot(up, large), 4 * jnp.vdot(small, down), rtol=1e-4, atol=1e-4)


def test_constants_stay_constant_inside_and_fall_off_at_the_border():
    large, small = upsample(jnp.ones((1, 4, 4, 1)))[0, :, :, 0], downsample(jnp.ones((1, 8, 8, 1)))[0, :, :, 0]
    up, down = jnp.ones(8).at[jnp.array([0, 7])].set(3 / 4), jnp.ones(4).at[jnp.array([0, 3])].set(7 / 8)
    np.testing.assert_allclose(large, jnp.outer(up, up), atol=1e-6)
    np.testing.assert_allclose(small, jnp.outer(down, down), atol=1e-6)


def test_interpolation_is_bilinear_between_centres_and_constant_beyond_the_outer_ones():
    x = normal(9, 2, 3, 5, 2)
    found, expected = jax.jit(lambda x: (resampling.interpolate(x), jax.image.resize(x, (2, 6, 10, 2), "linear")))(x)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    half = jax.eval_shape(resampling.interpolate, x.astype(jnp.bfloat16))
    assert half.dtype == jnp.bfloat16


@pytest.mark.parametrize("sample", [upsample, downsample])
def test_sampling_commutes_with_mirroring_and_keeps_channels_and_images_apart(sample):
    x = normal(4, 2, 6, 4, 3)
    np.testing.assert_allclose(sample(x[:, ::-1, ::-1]), sample(x)[:, ::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(sample(x[1:, :, :, 2:]), sample(x)[1:, :, :, 2:], atol=1e-6)


@pytest.mark.parametrize("sample", [upsample, downsample])
def test_sampling_is_linear(sample):
    x, y = normal(5, 2, 4, 4, 2), normal(6, 2, 4, 4, 2)
    np.testing.assert_allclose(sample(2 * x - 3 * y), 2 * sample(x) - 3 * sample(y), atol=1e-5)


@pytest.mark.parametrize(("sample", "adjoint", "gain"), [(upsample, downsample, 4.0), (downsample, upsample, 0.25)])
def test_gradients_of_both_orders_follow_from_the_adjoint(sample, adjoint, gain):
    """With y = Ax and loss Σ y³ / 6, the slope is Aᵀ(y² / 2); half its squared norm has the slope Aᵀ(y · Aslope)."""
    x = normal(7, 2, 4, 4, 2)
    transposed = lambda y: gain * adjoint(y)
    slope = jax.grad(lambda x: jnp.sum(sample(x) ** 3) / 6)
    np.testing.assert_allclose(jax.jit(slope)(x), transposed(sample(x) ** 2 / 2), rtol=1e-4, atol=1e-5)
    second = jax.jit(jax.grad(lambda x: jnp.sum(slope(x) ** 2) / 2))(x)
    np.testing.assert_allclose(second, transposed(sample(x) * sample(slope(x))), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sample", [upsample, downsample])
def test_half_precision_stays_half(sample):
    assert sample(jnp.ones((1, 4, 4, 1), jnp.bfloat16)).dtype == jnp.bfloat16


def test_odd_sizes_and_lopsided_taps_are_refused():
    with pytest.raises(ValueError, match="3x4 pixels cannot be halved"):
        downsample(jnp.ones((1, 3, 4, 1)))
    for taps in [(1, 2, 1), (1, 2, 3, 4), (-1, 1, 1, -1), ()]:
        with pytest.raises(ValueError, match="even in number, symmetric"):
            upsample(jnp.ones((1, 4, 4, 1)), taps)


@pytest.mark.parametrize("taps", TAPS)
def test_blur_is_the_filter_alone(taps):
    x, n = normal(8, 1, 4, 6, 1), len(taps)
    expected = filtered(np.pad(x[0, :, :, 0], n), taps, 1)[n - n // 2 + 1 :, n - n // 2 + 1 :][: 4 + n - 1, : 6 + n - 1]
    full = resampling.blur(x, (n - 1, n - 1), taps)[0, :, :, 0]
    np.testing.assert_allclose(full, expected, atol=1e-5)
    np.testing.assert_allclose(resampling.blur(x, (n - 1, 0), taps)[0, :, :, 0], full[:4, :6], atol=1e-6)


@pytest.mark.parametrize("taps", TAPS)
def test_fused_convolutions_are_the_two_steps_on_a_plane(taps):
    """With so many zeros around the image that neither step cuts off what the other may bring back."""
    x, kernel, room = normal(9, 2, 4, 6, 3), normal(10, 3, 3, 3, 2), 8
    around = jnp.pad(x, ((0, 0), (room, room), (room, room), (0, 0)))
    up = convolution(resampling.upsample(around, taps), kernel)[:, 2 * room : -2 * room, 2 * room : -2 * room]
    down = resampling.downsample(convolution(around, kernel), taps)[:, room // 2 : -room // 2, room // 2 : -room // 2]
    np.testing.assert_allclose(resampling.upsampling_convolution(x, kernel, taps), up, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(resampling.downsampling_convolution(x, kernel, taps), down, rtol=1e-4, atol=1e-4)


def test_fused_convolutions_are_adjoint_up_to_their_gain():
    small, large, kernel = normal(11, 2, 4, 6, 3), normal(12, 2, 8, 12, 2), normal(13, 3, 3, 3, 2)
    up = resampling.upsampling_convolution(small, kernel)
    down = resampling.downsampling_convolution(large, kernel[::-1, ::-1].swapaxes(2, 3))
    np.testing.assert_allclose(jnp.vdot(up, large), 4 * jnp.vdot(small, down), rtol=1e-4, atol=1e-3)


def test_fused_convolutions_commute_with_mirroring():
    x, kernel = normal(14, 1, 4, 6, 2), normal(15, 3, 3, 2, 2)
    for fused in (resampling.upsampling_convolution, resampling.downsampling_convolution):
        mirrored = fused(x[:, ::-1, ::-1], kernel[::-1, ::-1])[:, ::-1, ::-1]
        np.testing.assert_allclose(mirrored, fused(x, kernel), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fused", [resampling.upsampling_convolution, resampling.downsampling_convolution])
def test_fused_convolutions_are_differentiated_twice(fused):
    """They are linear in x: the Hessian of half the squared norm of the output, times x, is its gradient."""
    x, kernel = normal(16, 1, 4, 4, 2), normal(17, 3, 3, 2, 2)
    slope = jax.grad(lambda x: jnp.sum(fused(x, kernel) ** 2) / 2)
    twice = jax.jit(lambda x: (slope(x), jax.grad(lambda v: jnp.vdot(slope(v), x))(x)))
    np.testing.assert_allclose(*twice(x), rtol=1e-4, atol=1e-4)


def test_fused_convolutions_refuse_other_kernels_and_odd_sizes():
    with pytest.raises(ValueError, match="kernels that change the size are 3x3, not 5x5"):
        resampling.upsampling_convolution(jnp.ones((1, 4, 4, 1)), jnp.ones((5, 5, 1, 1)))
    with pytest.raises(ValueError, match="are 3x3, not 1x1"):
        resampling.downsampling_convolution(jnp.ones((1, 4, 4, 1)), jnp.ones((1, 1, 1, 1)))
    with pytest.raises(ValueError, match="3x4 pixels cannot be halved"):
        resampling.downsampling_convolution(jnp.ones((1, 3, 4, 1)), jnp.ones((3, 3, 1, 1)))
