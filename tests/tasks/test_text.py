import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.tasks.text import likeliest, one_hot, spelled_out
from gan_jax.types import Batch


def test_numbers_become_certain_distributions_and_come_back():
    numbers = jnp.array([[2, 0], [1, 2]], jnp.uint8)[:, None, :, None]
    shares = one_hot(numbers, 3)
    assert shares.shape == (2, 1, 2, 3)
    np.testing.assert_array_equal(shares[0, 0], [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(likeliest(shares), numbers)
    assert likeliest(shares).dtype == jnp.uint8
    assert likeliest(numbers) is numbers


def test_a_step_is_given_numbers_of_any_stack_and_takes_them_one_hot():
    seen = spelled_out(lambda state, batch: (state, batch), 4)
    numbers = jax.random.randint(jax.random.key(0), (3, 2, 1, 5, 1), 0, 4).astype(jnp.uint8)
    state, batch = seen("state", Batch(numbers))
    assert (state, batch.images.shape, batch.images.dtype) == ("state", (3, 2, 1, 5, 4), jnp.float32)
    np.testing.assert_array_equal(likeliest(batch.images), numbers)


def test_a_number_of_no_symbol_is_no_text():
    shares = one_hot(jnp.array([[[[2], [3]]]], jnp.uint8), 3)
    assert np.isnan(shares[0, 0, 1]).all()
    assert np.isfinite(shares[0, 0, 0]).all()


def test_an_alphabet_may_have_as_many_symbols_as_bytes():
    numbers = jnp.arange(256).astype(jnp.uint8).reshape(1, 1, 256, 1)
    np.testing.assert_array_equal(one_hot(numbers, 256)[0, 0], np.eye(256))
