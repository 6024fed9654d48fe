"""CUT: how patches look, the places that they are at, and what training sees beside the translation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import cyclegan
from gan_jax.models.cut import Generator

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 8, 12, 1)).astype(np.float32)
TRANSLATOR = cyclegan.Generator(channels=1, width=2, blocks=2)
NETWORK = Generator(TRANSLATOR, patches=5, features=2)
LAYERS = ("head_0", "head_1", "head_2", "head_3", "head_4")


@pytest.fixture(scope="module")
def variables():
    """Any, larger than fresh ones."""
    shapes = jax.eval_shape(lambda: NETWORK.init(jax.random.key(0), None, IMAGES, train=True))
    draw = np.random.default_rng(1).normal
    return jax.tree.map(lambda leaf: np.float32(draw(0, 0.5, leaf.shape)), shapes)


@jax.jit
def drawn(variables, images, seed):
    """What is made in training."""
    return NETWORK.apply(variables, None, images, train=True, rngs={"dropout": jax.random.key(seed)})


def test_what_is_made_is_the_translators_and_patches_are_of_training_alone(variables):
    made, patches = drawn(variables, IMAGES, 0)
    inner = {"params": variables["params"]["translator"]}
    alone, (shown, none) = jax.jit(
        lambda: (TRANSLATOR.apply(inner, None, IMAGES), NETWORK.apply(variables, None, IMAGES))
    )()
    np.testing.assert_allclose(made, alone, atol=1e-4)
    assert [leaf.shape for leaf in patches] == [(2, 5, 2)] * 5
    for leaf in patches:
        np.testing.assert_allclose(np.linalg.norm(leaf, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(shown, alone, atol=1e-5)
    assert none == ()


def test_a_key_draws_the_same_places_of_every_image_and_none_twice(variables):
    """Of pixels that are all different, seen by a head that tells values apart."""
    images = np.arange(96, dtype=np.float32).reshape(1, 8, 12, 1).repeat(2, axis=0) / 48 - 1
    images[1] *= -1
    head = {
        "layer_0": {"kernel": [[1.0, -1.0]], "bias": [0.0, 0.0]},
        "layer_1": {"kernel": np.eye(2), "bias": [1, 0.5]},
    }
    params = variables["params"] | {
        "head_0": jax.tree.map(jnp.float32, head, is_leaf=lambda node: isinstance(node, list))
    }
    tangent = lambda x: (1 + np.maximum(x, 0)) / (0.5 + np.maximum(-x, 0))

    def places(seed, i):
        _, patches = drawn({"params": params}, images, seed)
        seen = patches[0][i, :, 0] / patches[0][i, :, 1]
        return [int(np.argmin(np.abs(tangent(images[i].ravel()) - value))) for value in seen]

    assert places(0, 0) == places(0, 1)
    assert len(set(places(0, 0))) == 5
    assert places(0, 0) != places(1, 0)


def test_layers_of_few_places_give_all_of_them():
    network = Generator(TRANSLATOR, patches=20, features=3)
    (_, patches), _ = jax.eval_shape(lambda: network.init_with_output(jax.random.key(0), None, IMAGES, train=True))
    assert [leaf.shape[1] for leaf in patches] == [20, 20, 6, 6, 6]


@pytest.mark.parametrize(("blocks", "seen"), [(9, ["head_0", "head_1", "head_2", "head_3", "head_7"]), (1, LAYERS[:4])])
def test_the_heads_are_of_the_pixels_the_halvings_and_two_blocks(blocks, seen):
    """The published ones, counted by hand: 256 from each layer's channels, and 256 from these, with biases."""
    network = Generator(cyclegan.Generator(blocks=blocks))
    params = jax.eval_shape(lambda: network.init(jax.random.key(0), None, jnp.zeros((1, 64, 64, 3)), train=True))[
        "params"
    ]
    heads = {name: value for name, value in params.items() if name != "translator"}
    assert sorted(heads) == list(seen)
    channels = dict(zip(seen, (3, 128, 256, 256, 256), strict=False))
    for name, head in heads.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(head))
        assert count == channels[name] * 256 + 256 + 256 * 256 + 256
