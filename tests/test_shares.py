"""A share of a key draws the rows that its images have in the draw of the whole batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import shares

COUNT, OWN = 3, 2
ROWS = {
    shares.run: lambda whole, place: whole[place * OWN : (place + 1) * OWN],
    shares.comb: lambda whole, place: whole[place::COUNT],
}


def draws(key, count):
    """One of each kind, by split and by folded keys."""
    first, second = jax.random.split(key)
    return [
        jax.random.normal(first, (count, 4)),
        jax.random.normal(jax.random.fold_in(first, 7), (count,), jnp.bfloat16),
        jax.random.randint(second, (count, 1), 0, 1000),
        jax.random.bernoulli(jax.random.fold_in(second, 7), 0.5, (count, 3, 3, 2)),
    ]


@pytest.mark.parametrize("kind", ["threefry2x32", "rbg"])
@pytest.mark.parametrize("share", ROWS)
def test_every_share_draws_its_rows_of_the_whole_draw(share, kind):
    key = jax.random.key(0, impl=kind)
    of_place = jax.jit(lambda place: draws(share(key, place, COUNT), OWN))
    whole = jax.jit(lambda: draws(key, COUNT * OWN))()
    for place in range(COUNT):
        for drawn, rows in zip(of_place(place), whole, strict=True):
            np.testing.assert_array_equal(drawn, ROWS[share](rows, place))


def test_a_share_of_a_share_is_one():
    key = jax.random.key(0)
    inner = shares.comb(shares.run(key, 1, 2), 2, 3)
    np.testing.assert_array_equal(jax.random.normal(inner, (2,)), jax.random.normal(key, (12,))[6:][2::3])


def test_what_has_no_rows_is_drawn_alike_by_all():
    key = jax.random.key(0)
    assert jax.random.uniform(shares.run(key, 1, 2)) == jax.random.uniform(key)


def test_shares_of_one_kind_are_of_one_type():
    """Else every step would be another program."""
    key = jax.random.key(0)
    assert shares.run(key, 0, 2).dtype == shares.run(key, 1, 2).dtype != shares.comb(key, 1, 2).dtype


def test_a_share_pays_for_one_thing_as_its_key_does():
    with jax.debug_key_reuse(True), pytest.raises(jax.errors.KeyReuseError):
        jax.jit(lambda key: [jax.random.normal(k, (2,)) for k in [shares.run(key, 0, 2)] * 2])(jax.random.key(0))
