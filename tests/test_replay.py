"""What the discriminator sees of generated images of before: all of them, each once, half of the time."""

from collections import Counter
from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax import Batch, init, make_step, parallel, per_device, replay
from gan_jax.gan import update_discriminator, update_generator

KEY = jax.random.key(0)


def numbered(start, count=4):
    """Images that say which they are, in two leaves, and conditions that say so, too."""
    names = jnp.arange(start, start + count)
    return Batch({"a": names[:, None] * jnp.ones((1, 3)), "b": names.astype(jnp.float32)}, names)


def names_of(batch):
    a, b = batch.images["a"], batch.images["b"]
    np.testing.assert_array_equal(a, np.broadcast_to(b[:, None], a.shape))
    np.testing.assert_array_equal(b, batch.condition)
    return np.asarray(batch.condition).tolist()


def shown_of(pool, updates, count=4):
    past, shown = pool.start(numbered(0, count)), []
    show = jax.jit(pool.show)
    for i in range(updates):
        batch, past = show(jax.random.fold_in(KEY, i), past, numbered(1 + i * count, count))
        shown.append(names_of(batch))
    return shown, past


@pytest.mark.parametrize("count", [1, 4, 20])
def test_a_pool_takes_images_until_it_is_full_and_then_trades_half_of_them(count):
    shown, past = shown_of(replay.pool(10), 400 // count, count)
    everything = [name for update in shown for name in update]
    assert everything[:10] == list(range(1, 11))  # while it fills, the newest are shown
    fresh = [name == i for i, name in enumerate(everything, start=1)][10:]
    assert 0.4 < np.mean(fresh) < 0.6
    kept = Counter(names_of(past.kept))
    # None is lost and none is made up: what was shown or is kept is what was made, and the first ten of it twice.
    assert Counter(everything) + kept == Counter(range(1, 401)) + Counter(range(1, 11))
    assert past.held == 10


def test_what_is_shown_of_a_pool_is_never_of_the_future_and_each_place_is_used():
    shown, past = shown_of(replay.pool(5), 100, 1)
    assert all(name <= i for i, (name,) in enumerate(shown, start=1))
    assert max(i - name for i, (name,) in enumerate(shown, start=1)) > 5
    assert min(names_of(past.kept)) > 60


def test_the_newest_alone_are_what_was_made():
    past = replay.newest.start(numbered(0))
    made = numbered(1)
    shown, after = replay.newest.show(KEY, past, made)
    assert shown is made
    assert past == after == ()


IMAGES = toys.batch()


def test_the_discriminator_learns_of_the_pool_and_the_generator_of_its_own_images():
    newest, pooled = toys.make(), toys.make(replay=replay.pool(8))
    one, other = init(newest, KEY, IMAGES), init(pooled, KEY, IMAGES)
    assert np.all(other.past.kept.images == 0)
    assert other.past.kept.images.shape == (8, 4, 4, 1)
    (one, metrics), (other, same) = jax.jit(make_step(newest))(one, IMAGES), jax.jit(make_step(pooled))(other, IMAGES)
    jax.tree.map(np.testing.assert_array_equal, metrics, same)  # the pool was empty, and shows what it takes
    jax.tree.map(np.testing.assert_array_equal, one[2:-1], other[2:-1])
    assert other.past.held == 8
    judged, _ = jax.jit(partial(update_discriminator, pooled))(other, IMAGES, KEY)
    alone, _ = jax.jit(partial(update_discriminator, newest))(one, IMAGES, KEY)
    logit = lambda state: state.discriminator.weights.params["logit"]["kernel"]
    assert not np.array_equal(logit(judged), logit(alone))
    jax.tree.map(np.testing.assert_array_equal, judged.generator, other.generator)
    traded = np.any(judged.past.kept.images != other.past.kept.images, axis=(1, 2, 3))
    assert 0 < np.sum(traded) < 8
    made, _ = jax.jit(partial(update_generator, pooled))(other, IMAGES, KEY)
    jax.tree.map(np.testing.assert_array_equal, made.past, other.past)


class Echo(nn.Module):
    """Makes its condition of any latent."""

    @nn.compact
    def __call__(self, latents, condition, *, train=False):
        shift = self.param("shift", nn.initializers.zeros, (1, 1, 1, 1))
        return jnp.broadcast_to(condition[:, None, None] + shift, (len(latents), 4, 4, 1))


class Compared(nn.Module):
    """How far an image is above what it should be."""

    @nn.compact
    def __call__(self, images, condition, *, train=False):
        return jnp.mean(images, axis=(1, 2, 3)) - condition[:, 0] + self.param("bias", nn.initializers.zeros, ())


def test_neither_loss_nor_penalty_tells_the_discriminator_the_condition_of_another_image():
    of_fakes = lambda key, critic, real, fake: jnp.max(jnp.abs(critic(fake)))
    rules = {"replay": replay.pool(8), "penalty": of_fakes, "optimizer": optax.sgd(0.0)}
    gan = replace(toys.make(**rules), generator=Echo(), discriminator=Compared())
    told = lambda seed: jax.random.uniform(jax.random.key(seed), (8, 1), minval=-1)
    batches = [Batch(jnp.zeros((8, 4, 4, 1)), told(seed)) for seed in range(3)]
    state, update = init(gan, KEY, batches[0]), jax.jit(partial(update_discriminator, gan))
    for i, batch in enumerate(batches):
        state, metrics = update(state, batch, jax.random.fold_in(KEY, i))
        assert abs(metrics["d/fake_logit"]) < 1e-6
        assert metrics["d/penalty"] < 1e-6
    assert state.past.held == 8
    assert not np.array_equal(np.sort(state.past.kept.condition, axis=0), np.sort(batches[-1].condition, axis=0))


def test_a_pool_is_alike_on_one_device_and_on_two():
    gan, mesh = toys.make(replay=replay.pool(12)), parallel.make_mesh(jax.devices()[:2])
    alone, shared = init(gan, KEY, IMAGES), parallel.make_state(lambda: init(gan, KEY, IMAGES), mesh)
    step, spread = jax.jit(make_step(gan)), parallel.compile_step(make_step(gan), mesh)
    for _ in range(4):
        alone, _ = step(alone, IMAGES)
        shared, _ = spread(shared, parallel.put_batch(mesh, np.asarray(IMAGES.images)))
    assert alone.past.held == shared.past.held == 12
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), alone[2:], shared[2:])


def test_what_is_no_pool_and_who_cannot_have_one():
    with pytest.raises(ValueError, match="1 image or more, not 0"):
        replay.pool(0)
    with pytest.raises(TypeError, match=r"replay: expected a Replay, such as gan_jax.replay.pool\(50\), got 50"):
        toys.make(replay=50)
    with pytest.raises(ValueError, match="a past of its own"):
        per_device.spread(toys.make(replay=replay.pool(2)))
