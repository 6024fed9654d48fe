"""Moving averages against their recursions, and against what each step shall count in the end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import averaging
from gan_jax.types import Weights


def run(update, sequence, start):
    """The average after the whole sequence of current weights."""
    body = lambda average, item: (update(average, Weights(item[1], {}), item[0]), None)
    steps = jnp.arange(len(sequence))
    return jax.lax.scan(body, Weights(start, {}), (steps, sequence))[0].params


def shares(update, steps):
    """How much each of so many steps counts in the end: the average of one-hot weights."""
    return np.asarray(run(update, jnp.eye(steps), jnp.zeros(steps)), np.float64)


def test_ema_follows_its_recursion_with_a_warm_start():
    values, expected = np.sin(np.arange(200)), 0.0
    for step, value in enumerate(values):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    average = run(averaging.ema(0.9), jnp.array(values, jnp.float32), jnp.array(0.0))
    np.testing.assert_allclose(average, expected, rtol=1e-5)


def test_zero_decay_is_the_current_weights():
    moved = averaging.ema(0.0)(Weights(jnp.array(1.0), {}), Weights(jnp.array(5.0), {}), jnp.array(3))
    assert moved.params == 5.0


def test_after_one_half_life_half_of_the_distance_is_left():
    update = averaging.half_life(6400, 64, ramp=None)
    average = run(update, jnp.full(100, 2.0), jnp.array(10.0))
    np.testing.assert_allclose(average, 2.0 + 8.0 / 2, rtol=1e-5)


def test_the_half_life_is_counted_in_images():
    small, large = (averaging.half_life(640, size, ramp=None) for size in (16, 64))
    several = run(small, jnp.full(8, 2.0), jnp.array(10.0))
    np.testing.assert_allclose(several, run(large, jnp.full(2, 2.0), jnp.array(10.0)), rtol=1e-5)


def test_a_ramp_shortens_the_half_life_to_a_share_of_the_run():
    expected = 0.0
    for step in range(60):
        life = min(1000, 0.5 * step * 32)
        decay = 0.5 ** (32 / life) if life else 0.0
        expected = decay * expected + (1 - decay) * np.sin(step)
    update = averaging.half_life(1000, 32, ramp=0.5)
    average = run(update, jnp.sin(jnp.arange(60.0)), jnp.array(123.0))
    np.testing.assert_allclose(average, expected, rtol=1e-4)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 6.94])
def test_a_power_average_counts_each_step_by_its_number_to_the_exponent(exponent):
    steps = 300
    share = shares(averaging.power(exponent), steps)
    t = np.arange(1, steps + 1)
    np.testing.assert_allclose(share, (t ** (exponent + 1) - (t - 1) ** (exponent + 1)) / steps ** (exponent + 1), 1e-3)
    np.testing.assert_allclose(share[100:] / share[-1], (t[100:] / steps) ** exponent, rtol=0.03)


def test_an_exponent_of_zero_is_the_mean_of_all_steps():
    values = jax.random.normal(jax.random.key(0), (50,))
    average = run(averaging.power(0.0), values, jnp.array(99.0))
    np.testing.assert_allclose(average, jnp.mean(values), rtol=1e-5)


@pytest.mark.parametrize("deviation", [0.05, 0.1, 0.25])
def test_the_exponent_of_a_deviation_gives_that_deviation(deviation):
    exponent = averaging.exponent_of(deviation)
    t = (np.arange(100_000) + 0.5) / 100_000  # the share of a continuous run
    share = t**exponent / np.sum(t**exponent)
    mean = np.sum(share * t)
    np.testing.assert_allclose(np.sqrt(np.sum(share * (t - mean) ** 2)), deviation, rtol=1e-3)


def test_the_widest_deviation_is_the_plain_mean():
    np.testing.assert_allclose(averaging.exponent_of(12**-0.5), 0, atol=1e-6)


@pytest.mark.parametrize("update", [averaging.ema(0.9999), averaging.half_life(1e7, 8), averaging.power(16.97)])
def test_constant_weights_are_their_own_average(update):
    weights = Weights({"w": jax.random.normal(jax.random.key(0), (20,))}, {"norm": jnp.ones(3, jnp.bfloat16)})
    for step in (0, 1, 10, 1_000_000):
        moved = update(weights, weights, jnp.array(step))
        assert jax.tree.all(jax.tree.map(lambda a, b: a.dtype == b.dtype and bool(jnp.all(a == b)), moved, weights))


def test_averages_of_narrow_weights_are_wide_and_move():
    current = Weights(jnp.full(1000, 1.0, jnp.bfloat16), {})
    average, update = averaging.begin(current), averaging.ema(0.999)
    for step in range(20):
        average = update(average, Weights(current.params + 0.125, {}), jnp.array(100_000 + step))
    assert average.params.dtype == jnp.float32
    np.testing.assert_allclose(average.params, 1 + 0.125 * (1 - 0.999**20), rtol=1e-6)


@pytest.mark.parametrize("update", [averaging.ema(0.9), averaging.half_life(1000, 32), averaging.power(6.94)])
def test_counters_and_keys_are_the_current_ones(update):
    stats = lambda n: {"passes": jnp.array(n, jnp.uint32), "key": jax.random.key(n)}
    begun = averaging.begin(Weights(jnp.zeros(2, jnp.float16), stats(0)))
    moved = update(begun, Weights(jnp.ones(2, jnp.float16), stats(20)), jnp.array(3))
    assert (moved.stats["passes"], moved.stats["passes"].dtype) == (20, jnp.uint32)
    assert moved.stats["key"] == jax.random.key(20)
    assert moved.params.dtype == jnp.float32


@pytest.mark.parametrize("update", [averaging.half_life(1000, 32), averaging.power(6.94)])
def test_the_random_start_is_forgotten_at_the_first_step(update):
    moved = update(Weights(jnp.array(1e6), {}), Weights(jnp.array(0.1), {}), jnp.array(0))
    assert moved.params == jnp.float32(0.1)


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_impossible_decay_is_refused(decay):
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        averaging.ema(decay)


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: averaging.half_life(0, 8), "half-life"),
        (lambda: averaging.half_life(100, 0), "batch size"),
        (lambda: averaging.half_life(100, 8, ramp=0.0), "ramp"),
        (lambda: averaging.power(-0.5), "exponent"),
        (lambda: averaging.exponent_of(0.3), "deviation"),
        (lambda: averaging.exponent_of(float("nan")), "deviation"),
    ],
)
def test_impossible_settings_are_refused_by_name(build, named):
    with pytest.raises(ValueError, match=named):
        build()
