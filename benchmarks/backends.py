"""One update of every model, small, on the CPU and on the GPU, and in bfloat16 beside float32: do they agree?

    python benchmarks/backends.py                 # needs gan_jax's own requirements only

Both updates, of the discriminator with its penalties and of the generator, start from the same state, on the same
images, with the same random numbers. Compared are both losses, as |a - b| / max(1, |b|), and both gradients, as
‖a - b‖ / ‖b‖. float32 is float32 throughout, without TF32. Without a GPU the CPU stands beside itself, and only
bfloat16 says something; of gat-cudnn bfloat16 is cuDNN's attention, on a GPU. Exits with 1 where something differs by
more than it may.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from comparison import HEAD

from gan_jax import GAN, Batch, augment, init, losses, penalties
from gan_jax.augment.levels import noisy_levels
from gan_jax.gan import GANState, update_discriminator, update_generator
from gan_jax.models import acgan, article, biggan, dcgan, gat, mlp, r3gan, sagan, sngan, stylegan2

BATCH, CLASSES = 8, 3


class Limits(NamedTuple):
    """What may differ by how much."""

    losses: float
    gradients: float


ROUNDING = Limits(1e-4, 1e-2)
"""Rectifiers: where a map is within rounding of zero the two backends may take different slopes."""

BFLOAT16 = Limits(5e-2, 6e-1)
"""It keeps 8 bits, after each layer anew. Gradients that pass batch normalisation are differences of larger ones."""


class Tiny(NamedTuple):
    """A pair of networks for a dtype, and the game that it is trained by."""

    pair: Callable[[Any], tuple[Any, Any]]
    size: int
    rules: dict[str, Any] = {}  # noqa: RUF012 - never changed
    channels: int = 3
    labels: bool = False
    low: bool = True  # whether it computes in bfloat16


def _from(dtype: Any) -> int | None:
    return None if dtype == jnp.float32 else 8


def _gat(attention: Callable[[Any], Any]) -> Tiny:
    def pair(dtype: Any) -> tuple[Any, Any]:
        how = {"dtype": dtype, "attention": attention(dtype)}
        return (
            gat.Generator(16, depth=4, width=32, heads=2, patch=4, classes=CLASSES, **how),
            gat.Discriminator(4, 32, 2, 4, CLASSES, features=64, **how),
        )

    slopes = penalties.total(penalties.r1_by_difference(1.0), penalties.r2_by_difference(1.0))
    rules = {"loss": losses.relativistic, "penalty": slopes, "augment": noisy_levels(), "draws": augment.together}
    return Tiny(pair, 16, rules, labels=True)


MODELS = {
    "mlp": Tiny(lambda dtype: (mlp.Generator(8, width=32), mlp.Discriminator(16)), 8, channels=1, low=False),
    "article": Tiny(
        lambda dtype: (article.Generator(width=8), article.Discriminator(8)), 28, channels=1, low=False
    ),
    "dcgan": Tiny(lambda dtype: (dcgan.Generator(16, width=8, dtype=dtype), dcgan.Discriminator(8, dtype=dtype)), 16),
    "acgan": Tiny(
        lambda dtype: (
            dcgan.Generator(16, width=8, classes=CLASSES, dtype=dtype),
            acgan.Discriminator(CLASSES, width=8, dtype=dtype),
        ),
        16,
        {"loss": losses.auxiliary(losses.non_saturating)},
        labels=True,
    ),
    "sngan": Tiny(
        lambda dtype: (sngan.Generator(32, width=16, dtype=dtype), sngan.Discriminator(16, dtype=dtype)),
        32,
        {"loss": losses.hinge},
    ),
    "sagan": Tiny(
        lambda dtype: (sagan.Generator(32, width=8, dtype=dtype), sagan.Discriminator(8, dtype=dtype)),
        32,
        {"loss": losses.hinge},
    ),
    "biggan": Tiny(
        lambda dtype: (
            biggan.Generator(32, width=8, classes=CLASSES, dtype=dtype),
            biggan.Discriminator(8, CLASSES, dtype=dtype),
        ),
        32,
        {"loss": losses.hinge},
        labels=True,
    ),
    "stylegan2": Tiny(
        lambda dtype: (
            stylegan2.Generator(
                16, width=16, mapping_layers=2, style_size=32, low_precision_from=_from(dtype)
            ),
            stylegan2.Discriminator(16, low_precision_from=_from(dtype)),
        ),
        16,
        {"penalty": penalties.lazy(penalties.r1(1.0), 2)},
    ),
    "r3gan": Tiny(
        lambda dtype: (
            r3gan.Generator(16, widths=(24, 24, 24), low_precision_from=_from(dtype)),
            r3gan.Discriminator(widths=(24, 24, 24), low_precision_from=_from(dtype)),
        ),
        16,
        {"loss": losses.relativistic, "penalty": penalties.total(penalties.r1(1.0), penalties.r2(1.0))},
    ),
    "gat": _gat(lambda dtype: "xla"),
    "gat-cudnn": _gat(lambda dtype: "cudnn" if dtype == jnp.bfloat16 and jax.default_backend() == "gpu" else "xla"),
}  # fmt: skip


class Seen(NamedTuple):
    """Of one update of both players."""

    losses: np.ndarray
    gradients: tuple[np.ndarray, np.ndarray]


REMEMBER = optax.GradientTransformation(
    lambda params: jax.tree.map(jnp.zeros_like, params), lambda gradient, *_: (gradient, gradient)
)
"""An optimizer whose state is the gradient."""


def seen_on(device: jax.Device, tiny: Tiny, dtype: Any) -> Seen:
    """Losses and gradients, computed on a device."""
    gan = GAN(*tiny.pair(dtype), REMEMBER, REMEMBER, latent_size=16, **tiny.rules)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH, tiny.size, tiny.size, tiny.channels), np.uint8)
    batch = Batch(images, np.arange(BATCH) % CLASSES if tiny.labels else None)
    with jax.default_device(jax.devices("cpu")[0]):
        start = init(gan, jax.random.key(0), batch)

    @jax.jit
    def update(state: GANState) -> tuple[Any, Any]:
        d_key, g_key = jax.random.split(state.key)
        moved_d, on_d = update_discriminator(gan, state, batch, d_key)
        moved_g, on_g = update_generator(gan, state, batch, g_key)
        terms = [on_d["d/loss"], on_d["d/penalty"], on_g["g/loss"]]
        return jnp.stack(terms), (moved_d.discriminator.opt_state, moved_g.generator.opt_state)

    terms, gradients = jax.device_get(update(jax.device_put(start, device)))
    flat = lambda tree: np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in jax.tree.leaves(tree)])
    return Seen(terms, tuple(flat(gradient) for gradient in gradients))


def apart(seen: Seen, reference: Seen) -> Limits:
    """How far one is from the other, at worst."""
    norm = np.linalg.norm
    return Limits(
        float(np.max(np.abs(seen.losses - reference.losses) / np.maximum(1, np.abs(reference.losses)))),
        max(float(norm(a - b) / norm(b)) for a, b in zip(seen.gradients, reference.gradients, strict=True)),
    )


def row(name: str, what: str, found: Limits, limits: Limits) -> tuple[str, bool]:
    """The table's, and whether all is within the limits; not a number is not."""
    agree = all(value <= limit for value, limit in zip(found, limits, strict=True))
    told = f"losses {found.losses:.1e}, gradients {found.gradients:.1e} (at most {limits[0]:.0e}, {limits[1]:.0e})"
    return f"| {name} | {what} | {'agree' if agree else 'DIFFER'}: {told} | | | |", agree


def main() -> None:
    """Compares all models and prints the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="model", help=f"{', '.join(MODELS)} (default: all)")
    parser.add_argument("--rows", action="store_true", help="print the table's rows alone")
    options = parser.parse_args()
    if unknown := set(options.models) - set(MODELS):
        parser.error(f"no model named {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    jax.config.update("jax_default_matmul_precision", "float32")
    cpu, device = jax.devices("cpu")[0], jax.devices()[0]
    if not options.rows:
        print(HEAD)
    beside = "CPU beside itself" if device.platform == "cpu" else f"CPU beside {device.device_kind}"
    agreed = []
    for name in options.models or MODELS:
        here, there = seen_on(cpu, MODELS[name], jnp.float32), seen_on(device, MODELS[name], jnp.float32)
        made = [row(name, f"{beside}, float32", apart(there, here), ROUNDING)]
        if MODELS[name].low:
            low = seen_on(device, MODELS[name], jnp.bfloat16)
            made.append(row(name, "bfloat16 beside float32", apart(low, there), BFLOAT16))
        for line, agree in made:
            print(line, flush=True)
            agreed.append(agree)
    sys.exit(0 if all(agreed) else 1)


if __name__ == "__main__":
    main()
