import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.images import to_frames, to_strips
from gan_jax.models import dcgan
from gan_jax.models.mocogan import ClipDiscriminator, Generator, InTime, Judges

KEY = jax.random.key(0)


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def judges(**fields):
    return Judges(dcgan.Discriminator(2, norm="none"), ClipDiscriminator(2), **{"frames": 6, "every": 3} | fields)


class Brightness(nn.Module):
    """A judge that says how bright an image is."""

    def __call__(self, images, condition=None, *, train=False):
        return jnp.mean(images.reshape(len(images), -1), axis=1)


def test_clips_have_the_shape_of_their_frames_and_both_verdicts_are_said():
    generator = Generator(frames=6, size=(8, 16), channels=1, width=2, motion=2, memory=3)
    made, _ = jax.eval_shape(lambda: generator.init_with_output(KEY, jnp.ones((2, 20))))
    assert made.shape == (2, 48, 16, 1)
    (of_frames, of_clips), variables = jax.eval_shape(lambda: judges().init_with_output(KEY, jnp.ones((2, 48, 16, 1))))
    assert (of_frames.shape, of_clips.shape) == ((2, 2), (2,))
    assert set(variables["params"]) == {"of_frames", "of_clips"}


def test_layers_have_these_parameters():
    """Counted by hand, of the settings' widths: 16 frames of 64x64, 10 dimensions of motion, 50 of content."""
    made = jax.eval_shape(lambda: Generator(16, 64).init(KEY, jnp.ones((1, 210))))["params"]
    assert count(made["motion"]) == 2 * 3 * 10 * 10 + 4 * 10
    up = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 256 + 128 + 64 + 3
    assert count(made) == 640 + 61 * 16 * 512 + up
    judged = jax.eval_shape(lambda: ClipDiscriminator().init(KEY, jnp.ones((1, 16, 64, 64, 3))))["params"]
    space = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
    time = sum(3 * 2 * width * width for width in (64, 128, 256, 512))
    assert count(judged) == space + time + 2 * (64 + 128 + 256 + 512) + 16 * 512 + 1  # 16 frames become one


def test_content_is_of_all_frames_and_noise_of_its_own_and_the_later_ones():
    generator = Generator(frames=4, size=8, channels=1, width=4, motion=1, memory=3)
    latents = jax.random.normal(KEY, (1, 9))
    moved = jnp.concatenate([latents, latents.at[0, 2].add(1.0), latents.at[0, 8].add(1.0)])
    draw = jax.jit(lambda: generator.apply(generator.init(KEY, latents), moved))
    plain, noise, content = to_frames(np.asarray(draw()), 4)
    changed = lambda clip: np.any(np.abs(clip - plain) > 1e-6, axis=(1, 2, 3)).tolist()
    assert changed(noise) == [False, False, True, True]
    assert changed(content) == [True] * 4


def test_latents_have_some_content():
    with pytest.raises(ValueError, match="latents of 8 leave no content beside 8 dimensions of noise"):
        jax.eval_shape(lambda: Generator(frames=4, size=8, motion=2).init(KEY, jnp.ones((1, 8))))


def test_frames_that_are_judged_are_drawn_in_training_and_are_the_first_ones_else():
    clips = jnp.broadcast_to(jnp.arange(6.0)[None, :, None, None, None], (2, 6, 8, 8, 1))  # a frame is its number
    network = Judges(Brightness(), Brightness(), frames=6, every=3)
    say = lambda **how: network.apply({}, to_strips(clips), **how)[0].tolist()
    assert say() == [[0, 3]] * 2
    drawn = [say(rngs={"params": key}) for key in jax.random.split(KEY, 12)]
    assert {each[0][0] for each in drawn} == {0, 1, 2}
    assert all(each == [[each[0][0], each[0][0] + 3]] * 2 for each in drawn)


def test_a_layer_in_time_is_a_sum_over_three_pairs_of_frames():
    x = jax.random.normal(KEY, (1, 6, 1, 2, 1))
    layer = InTime(1, jax.nn.initializers.normal())
    variables = layer.init(KEY, x)
    kernel = np.asarray(variables["params"]["taps"]["kernel"]).reshape(6)
    found = layer.apply(variables, x)
    assert found.shape == (1, 3, 1, 2, 1)
    np.testing.assert_allclose(found[0, 1, 0, :, 0], kernel @ x[0, :, 0, :, 0], rtol=1e-5)
    assert layer.apply(layer.init(KEY, x[:, :5]), x[:, :5]).shape == (1, 5, 1, 2, 1)
