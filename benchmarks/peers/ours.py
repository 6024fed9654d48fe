"""The gan_jax side of a comparison: the GAN, its weights, what both sides must agree on, and the step."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from peers.setups import CHECKED, PLAYERS, PRECISIONS, Case, Running


def build(case: Case, batch: int) -> Any:
    """The GAN."""
    import optax

    from gan_jax import GAN, augment, averaging, losses, penalties
    from gan_jax.augment.levels import noisy_levels
    from gan_jax.models import article, dcgan, gat, r3gan, sngan, stylegan2

    setup, narrow = case.setup, case.divisor
    dtype, low = case.dtype, 8 if case.dtype == "bfloat16" else None
    pairs: dict[str, Callable[[], Any]] = {
        "article": lambda: [article.Generator(width=128 // narrow), article.Discriminator(width=128 // narrow)],
        "dcgan": lambda: [
            dcgan.Generator(64, width=64 // narrow, dtype=dtype),
            dcgan.Discriminator(64 // narrow, dtype=dtype),
        ],
        "gat": lambda: [
            gat.Generator(32, 4, **case.transformer._asdict(), dtype=dtype),
            gat.Discriminator(**case.transformer._asdict(), dtype=dtype),
        ],
        "r3gan": lambda: [
            kind(widths=(768 // narrow,) * 4, low_precision_from=low) for kind in (r3gan.Generator, r3gan.Discriminator)
        ],
        "sngan": lambda: [
            sngan.Generator(32, width=256 // narrow, dtype=dtype),
            sngan.Discriminator(128 // narrow, dtype=dtype),
        ],
        "stylegan2": lambda: [
            stylegan2.Generator(
                32,
                width=512 // narrow,
                mapping_layers=2,
                style_size=case.latent,
                mixing=0.0,
                low_precision_from=low,
            ),
            stylegan2.Discriminator(512 // narrow, group=32, residual=False, low_precision_from=low),
        ],
    }
    adam = optax.adam(setup.learning_rate, b1=setup.beta1, b2=setup.beta2, eps=setup.epsilon)
    clipped = optax.chain(optax.clip_by_global_norm(setup.clip), adam) if setup.clip else adam
    differences = penalties.r1_by_difference, penalties.r2_by_difference
    kinds = differences if setup.levels else (penalties.r1, penalties.r2)
    terms = [make(weight) for make, weight in zip(kinds, (setup.r1, setup.r2), strict=True) if weight]
    penalty = penalties.total(*terms) if terms else penalties.none
    return GAN(
        *pairs[case.module](),
        clipped,
        clipped,
        latent_size=case.latent,
        loss=getattr(losses, setup.loss),
        penalty=penalties.lazy(penalty, case.every(batch)) if setup.lazy else penalty,
        average=averaging.ema(0.999),
        augment=noisy_levels(setup.levels) if setup.levels else augment.as_it_is,
        draws=augment.together,
    )


def draw_weights(case: Case, folder: Path) -> dict[str, int]:
    """Leaves weights and a batch for all sides in the folder; counts parameters."""
    import jax

    g, d, arrays = _drawn(case)
    for name, weights in zip(PLAYERS, (g, d), strict=True):
        arrays |= {f"{name}/{path}": leaf for path, leaf in _flat(weights.params)}
    np.savez(folder / "weights.npz", **arrays)
    return {name: sum(leaf.size for leaf in jax.tree.leaves(w.params)) for name, w in zip(PLAYERS, (g, d), strict=True)}


def check(case: Case, folder: Path) -> None:
    """Leaves gan_jax's answers, of the weights that it draws, in the folder."""
    import jax
    import jax.numpy as jnp

    from gan_jax.network import forward

    g, d, data = _drawn(case)
    gan = build(case._replace(precision="float32"), CHECKED)
    key, keys = jax.random.key(1), _keys()
    judge = lambda params, images: forward(gan.discriminator, d._replace(params=params), key, images, None)[0]
    seen = lambda params, view, images: judge(params, gan.augment(view, images))
    real, fake = data["real"], tuple(data["fake"]) if case.setup.levels else data["fake"]

    # What is large is an argument: XLA takes minutes to compute with constants beforehand.
    def d_loss(params: Any, real: Any, fake: Any) -> Any:
        critic = partial(seen, params, keys.discriminator)
        return gan.loss.discriminator(critic(real), critic(fake)) + gan.penalty(keys.penalty, critic, real, fake)

    def g_loss(params: Any, rival: Any, real: Any, latents: Any) -> Any:
        # Noise is drawn anew in training passes, and there is nothing else in StyleGAN2 that sets them apart.
        noisy = any(name.startswith("noise/") for name in data)
        train = {"train": not noisy, "rngs": {"dropout": key}, "mutable": list(g.stats)}
        images, _ = gan.generator.apply({"params": params, **g.stats}, latents, None, **train)
        critic = partial(seen, rival, keys.generator)
        return gan.loss.generator(critic(real), critic(images)), jnp.concatenate(jax.tree.leaves(images))

    with jax.default_matmul_precision("highest"):
        d_gradient = jax.jit(jax.grad(d_loss))(d.params, real, fake)
        g_gradient, images = jax.jit(jax.grad(g_loss, has_aux=True))(g.params, d.params, real, data["latents"])
        found = {"logits": jax.jit(judge)(d.params, real), "images": images}
    found |= {f"discriminator/{path}": leaf for path, leaf in _flat(d_gradient)}
    found |= {f"generator/{path}": leaf for path, leaf in _flat(g_gradient)}
    np.savez(folder / "gan_jax.npz", **found)


def _drawn(case: Case) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Both players' weights, and the batch, the same each time."""
    import jax

    from gan_jax import Batch, init

    rng = np.random.default_rng(0)
    shape, levels = case.images(CHECKED), case.setup.levels
    data = {"real": rng.uniform(-1, 1, shape), "fake": rng.normal(size=(levels, *shape) if levels else shape)}
    data = {name: array.astype(np.float32) for name, array in data.items()}
    data["latents"] = rng.normal(size=(CHECKED, case.latent)).astype(np.float32)
    gan = build(case._replace(precision="float32"), CHECKED)
    state = init(gan, jax.random.key(0), Batch(data["real"]))
    g, d = (_moved(player.weights, rng) for player in (state.generator, state.discriminator))
    data |= {f"noise/{i}": array for i, array in enumerate(_fixed_noise(g.stats))}
    return g, d, data | {f"drawn/{i}": array for i, array in enumerate(_drawn_by_the_game(case))}


class Keys(NamedTuple):
    """What the check draws by: what is seen in the update of either player, and the directions of differences."""

    discriminator: Any
    generator: Any
    penalty: Any


def _keys() -> Keys:
    import jax

    return Keys(*jax.random.split(jax.random.key(1), 3))


def _drawn_by_the_game(case: Case) -> list[np.ndarray]:
    """Of GAT's: each level's fresh noise, the last level's first, and directions; then the generator's noise.

    They are drawn as `noisy_levels` and the penalties do it: else the two sides would not agree.
    """
    from jax.random import normal, split

    shape, levels = case.images(CHECKED), case.setup.levels
    if not levels:
        return []
    noise = lambda view: [normal(key, shape) for key in split(split(view)[1], levels)]
    keys = _keys()
    on_real, on_fake = split(keys.penalty)
    of_each = normal(on_fake, (CHECKED, levels, *shape[1:])).swapaxes(0, 1)
    drawn = [*noise(keys.discriminator), normal(on_real, shape), *of_each, *noise(keys.generator)]
    return [np.asarray(array) for array in drawn]


def _moved(weights: Any, rng: np.random.Generator) -> Any:
    """Parameters that start at zero moved away from it, and singular vectors at the kernels' own."""
    import jax

    start = lambda a: rng.normal(0, 0.3 / math.sqrt(max(1, math.prod(a.shape[:-1]))), a.shape).astype(np.float32)
    params = jax.tree.map(lambda leaf: start(leaf) if not np.any(leaf) else np.asarray(leaf), weights.params)
    kernels, stats = dict(_flat(params)), weights.stats
    for path, _ in _flat(stats.get("spectral", {})):
        kernel = kernels[path.removesuffix("u") + "kernel"]
        vector = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), full_matrices=False)[2][0]
        *parents, last = path.split("/")
        place = stats["spectral"]
        for parent in parents:
            place = place[parent]
        place[last] = vector
    return weights._replace(params=params)


def _fixed_noise(stats: Any) -> list[np.ndarray]:
    """StyleGAN2's, from the coarsest layer to the finest; of two at one size, first that of the layer that doubles."""
    layers = stats.get("noise", {})
    order = sorted(layers, key=lambda name: (int(name.split("_")[1]), not name.endswith("up")))
    return [np.asarray(layers[name]["fixed"]) for name in order]


def _flat(tree: Any) -> list[tuple[str, Any]]:
    import jax

    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    parted = [_one_by_one([str(part.key) for part in path], np.asarray(leaf)) for path, leaf in leaves]
    return [named for leaf in parted for named in leaf]


def _one_by_one(path: Sequence[str], leaf: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What `nn.scan` has stacked, `blocks/kernel`, as `blocks/0/kernel`, `blocks/1/kernel`, ..."""
    at = next((i for i, part in enumerate(path, 1) if part in ("blocks", "levels")), None)
    if at is None:
        yield "/".join(path), leaf
        return
    for i, one in enumerate(leaf):
        for rest, part in _one_by_one(path[at:], one):
            yield "/".join([*path[:at], str(i), rest]), part


def begin(case: Case) -> Running:
    """The step as a run of gan_jax compiles it."""
    import jax

    from gan_jax import Batch, init, make_step, parallel
    from gan_jax.flops import count

    jax.config.update("jax_default_matmul_precision", PRECISIONS[case.precision].products)
    gan, device = build(case, case.batch), jax.local_devices()[0]
    mesh, step = parallel.make_mesh([device]), make_step(gan)
    example = Batch(np.zeros(case.images(case.batch), np.uint8))
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example), mesh)
    flops, compiled, metrics = count(step, state, example), parallel.compile_step(step, mesh), None

    def hand_over(images: np.ndarray) -> None:
        nonlocal state, metrics
        state, metrics = compiled(state, parallel.put_batch(mesh, images))

    def wait() -> None:
        jax.block_until_ready(state)
        jax.device_get(metrics)

    peak = lambda: (device.memory_stats() or {}).get("peak_bytes_in_use")
    return Running(hand_over, wait, _name(device), peak, flops, lambda: product_rate(case.dtype))


def _name(device: Any) -> str:
    return "CPU" if device.platform == "cpu" else device.device_kind


def product_rate(dtype: str) -> float:
    """FLOPs a second of one large matrix product in JAX, of random numbers: the best of ten."""
    import jax

    n = 2048 if jax.default_backend() == "cpu" else 8192
    a = jax.random.normal(jax.random.key(0), (n, n), dtype)
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        product(a).block_until_ready()
        times.append(time.perf_counter() - begun)
    return 2 * n**3 / min(times)
