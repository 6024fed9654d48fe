"""What a batch may be: of no fixed size, for exported generators, and laid over the devices of an explicit mesh."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax.models import acgan, article, biggan, dcgan, mlp, r3gan, sagan, sngan, stylegan2

CLASSES = 3
GENERATORS = {
    "mlp": mlp.Generator(4, 1, 8, CLASSES),
    "article": article.Generator(1, 2, CLASSES),
    "dcgan": dcgan.Generator(8, 1, 2, CLASSES),
    "sngan": sngan.Generator(28, 1, 2, CLASSES),
    "sagan": sagan.Generator(32, 1, 8, CLASSES),
    "biggan": biggan.Generator(32, 1, 2, CLASSES),
    "r3gan": r3gan.Generator(8, 1, (16, 16), 1, classes=CLASSES),
    "stylegan2": stylegan2.Generator(8, 1, 4, CLASSES, mapping_layers=1, style_size=8),
}
DISCRIMINATORS = {
    "mlp": mlp.Discriminator(4, classes=CLASSES),
    "article": article.Discriminator(2, classes=CLASSES),
    "dcgan": dcgan.Discriminator(2, CLASSES),
    "acgan": acgan.Discriminator(CLASSES, 2),
    "sngan": sngan.Discriminator(2, CLASSES),
    "sagan": sagan.Discriminator(8, CLASSES),
    "biggan": biggan.Discriminator(2, CLASSES),
    "r3gan": r3gan.Discriminator((16, 16), 1, classes=CLASSES),
    "stylegan2": stylegan2.Discriminator(4, CLASSES, mapping_layers=1, group=2),
}
SIZES = {"mlp": 4, "article": 28, "sngan": 28, "sagan": 32, "biggan": 32}
LATENTS = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
LABELS = np.arange(4, dtype=np.int32) % CLASSES


def some_weights(module, inputs):
    """Any that are finite, so that nothing need be compiled for them; variances are positive."""
    rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
    shapes = dict(jax.eval_shape(partial(module.init, train=True), rngs, inputs, LABELS))
    shapes.pop("perturbations", None)
    draw = np.random.default_rng(1).uniform
    return jax.tree.map(lambda leaf: np.float32(draw(0.1, 0.5, leaf.shape)), shapes)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_are_exported_for_batches_of_any_size(name):
    generator = GENERATORS[name]
    draw = jax.jit(partial(generator.apply, some_weights(generator, LATENTS)))
    (size,) = export.symbolic_shape("size")
    shapes = jax.ShapeDtypeStruct((size, 8), jnp.float32), jax.ShapeDtypeStruct((size,), jnp.int32)
    exported = export.export(draw, platforms=["cpu"])(*shapes)
    np.testing.assert_allclose(exported.call(LATENTS, LABELS), draw(LATENTS, LABELS), rtol=1e-4, atol=1e-5)


PLAYERS = [*(("generator", name) for name in GENERATORS), *(("discriminator", name) for name in DISCRIMINATORS)]
DRAW_IN_TRAINING = {
    ("generator", "stylegan2"),
    *(("discriminator", name) for name in ("mlp", "article", "acgan")),
}
"""Their random numbers, of Flax's dropout too, do not lie as the batch does; `parallel` has no such meshes."""


def laid(kind, name):
    """A network, its weights, its inputs and labels over the two devices of a mesh; and the mesh."""
    module = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}[kind][name]
    size = SIZES.get(name, 8)
    inputs = LATENTS if kind == "generator" else np.ones((4, size, size, 1), np.float32)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Explicit,))
    along = NamedSharding(mesh, PartitionSpec("data"))
    lay = lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=along)
    return module, some_weights(module, inputs), lay(inputs), lay(LABELS), mesh


@pytest.mark.parametrize(("kind", "name"), PLAYERS)
def test_networks_take_batches_that_an_explicit_mesh_lays_over_devices(kind, name):
    """Traced alone: that is where JAX asks how each array lies."""
    module, weights, inputs, labels, mesh = laid(kind, name)
    with jax.set_mesh(mesh):
        outputs = jax.eval_shape(module.apply, weights, inputs, labels)
    assert outputs.sharding.spec[0] == "data"


@pytest.mark.parametrize(("kind", "name"), [player for player in PLAYERS if player not in DRAW_IN_TRAINING])
def test_networks_that_draw_nothing_take_them_in_training_too(kind, name):
    module, weights, inputs, labels, mesh = laid(kind, name)
    with jax.set_mesh(mesh):
        outputs, _ = jax.eval_shape(partial(module.apply, train=True, mutable=True), weights, inputs, labels)
    assert outputs.sharding.spec[0] == "data"


@pytest.mark.parametrize("name", [n for n in DISCRIMINATORS if getattr(DISCRIMINATORS[n], "judges_alone", False)])
def test_what_says_that_it_judges_alone_does(name):
    """In training, too: no logit moves with another image."""
    module, weights, inputs, _, _ = laid("discriminator", name)
    draws = {"params": jax.random.key(2), "dropout": jax.random.key(3)}

    def first(images):
        return module.apply(weights, images, LABELS, train=True, rngs=draws, mutable=True)[0][0]

    slopes = jax.jit(jax.grad(first))(np.random.default_rng(2).uniform(-1, 1, inputs.shape).astype(np.float32))
    assert np.any(slopes[0])
    assert not np.any(slopes[1:])
