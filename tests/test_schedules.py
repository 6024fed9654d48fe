import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.schedules import by_images, constant, cosine, linear


@pytest.mark.parametrize("batch_size", [1, 10, 50])
@pytest.mark.parametrize("make", [linear, cosine])
def test_the_curve_depends_on_images_not_on_steps(make, batch_size):
    schedule = make(2.0, 0.5, 1000, batch_size)
    assert schedule(0) == 2
    assert schedule(500 // batch_size) == pytest.approx(1.25)
    assert schedule(1000 // batch_size) == pytest.approx(0.5)
    assert schedule(5000 // batch_size) == pytest.approx(0.5)


def test_a_cosine_is_flat_at_both_ends():
    slope = jax.grad(lambda t: cosine(1.0, 0.0, 100, 1)(t))
    assert slope(0.0) == pytest.approx(0, abs=1e-6)
    assert slope(50.0) == pytest.approx(-np.pi / 200, rel=1e-4)


def test_schedules_are_optaxs_too():
    step = optax.sgd(linear(1.0, 0.0, 4, 2))
    state = step.init(jnp.zeros(()))
    taken = []
    for _ in range(3):
        update, state = step.update(jnp.ones(()), state)
        taken.append(float(update))
    assert taken == [-1.0, -0.5, 0.0]


def test_optaxs_own_schedules_count_images_too():
    assert by_images(optax.linear_schedule(0.0, 1.0, 100), 25)(2) == 0.5


def test_constant():
    assert constant(0.3)(7) == pytest.approx(0.3)
