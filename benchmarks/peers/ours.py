"""The gan_jax side of `benchmarks/models.py`: the GAN, what both sides must agree on, and the step."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from peers.setups import CHECKED, PLAYERS, SETUPS, Case


def build(case: Case, batch: int) -> Any:
    """The GAN."""
    import optax

    from gan_jax import GAN, averaging, losses, penalties
    from gan_jax.models import r3gan, sngan, stylegan2

    setup, narrow = SETUPS[case.network], case.divisor
    dtype, low = case.precision, 8 if case.precision == "bfloat16" else None
    pairs: dict[str, Callable[[], Any]] = {
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
    adam = lambda: optax.adam(setup.learning_rate, b1=0.0, b2=setup.beta2)
    weights = {penalties.r1: setup.r1, penalties.r2: setup.r2}
    terms = [make(weight) for make, weight in weights.items() if weight]
    penalty = penalties.lazy(penalties.total(*terms), case.every(batch)) if terms else penalties.none
    return GAN(
        *pairs[case.network](),
        adam(),
        adam(),
        latent_size=case.latent,
        loss=getattr(losses, setup.loss),
        penalty=penalty,
        average=averaging.ema(0.999),
    )


def check(case: Case, folder: Path) -> dict[str, int]:
    """Draws weights and a batch for both sides, leaves them and gan_jax's answers in the folder; counts parameters."""
    import jax

    from gan_jax import Batch, init
    from gan_jax.network import forward

    rng = np.random.default_rng(0)
    shape = (CHECKED, 32, 32, 3)
    data = {"real": rng.uniform(-1, 1, shape), "fake": rng.normal(size=shape)}
    data = {name: array.astype(np.float32) for name, array in data.items()}
    data["latents"] = rng.normal(size=(CHECKED, case.latent)).astype(np.float32)
    gan = build(case._replace(precision="float32"), CHECKED)
    state = jax.jit(lambda: init(gan, jax.random.key(0), Batch(data["real"])))()
    g, d = (_moved(player.weights, rng) for player in (state.generator, state.discriminator))
    noise = {f"noise/{i}": array for i, array in enumerate(_fixed_noise(g.stats))}
    arrays = {
        f"{name}/{path}": a for name, w in (("generator", g), ("discriminator", d)) for path, a in _flat(w.params)
    }
    np.savez(folder / "weights.npz", **data, **noise, **arrays)
    key = jax.random.key(1)
    judge = lambda params, images: forward(gan.discriminator, d._replace(params=params), key, images, None)[0]

    def d_loss(params: Any) -> Any:
        loss = gan.loss.discriminator(judge(params, data["real"]), judge(params, data["fake"]))
        return loss + gan.penalty(key, lambda images: judge(params, images), data["real"], data["fake"])

    def g_loss(params: Any) -> Any:
        # Noise is drawn anew in training passes, and there is nothing else in StyleGAN2 that sets them apart.
        train = {"train": not noise, "rngs": {"dropout": key}, "mutable": list(g.stats)}
        images, _ = gan.generator.apply({"params": params, **g.stats}, data["latents"], None, **train)
        return gan.loss.generator(judge(d.params, data["real"]), judge(d.params, images)), images

    with jax.default_matmul_precision("highest"):
        d_gradient = jax.jit(jax.grad(d_loss))(d.params)
        g_gradient, images = jax.jit(jax.grad(g_loss, has_aux=True))(g.params)
        found = {"logits": jax.jit(judge)(d.params, data["real"]), "images": images}
    found |= {f"discriminator/{path}": leaf for path, leaf in _flat(d_gradient)}
    found |= {f"generator/{path}": leaf for path, leaf in _flat(g_gradient)}
    np.savez(folder / "gan_jax.npz", **found)
    return {name: sum(leaf.size for leaf in jax.tree.leaves(w.params)) for name, w in zip(PLAYERS, (g, d), strict=True)}


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
    return [("/".join(str(part.key) for part in path), np.asarray(leaf)) for path, leaf in leaves]


def begin(case: Case) -> dict[str, Any]:
    """The step as a run of gan_jax compiles it, and what can be asked of it."""
    import jax

    from gan_jax import Batch, init, make_step, parallel

    gan, mesh = build(case, case.batch), parallel.make_mesh(jax.local_devices()[:1])
    example = Batch(np.zeros((case.batch, 32, 32, 3), np.uint8))
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example), mesh)
    jitted = parallel.compile_step(make_step(gan), mesh)
    compiled = jitted.lower(state, parallel.put_batch(mesh, example.images)).compile()

    def step(images: np.ndarray) -> Any:
        nonlocal state
        state, metrics = compiled(state, parallel.put_batch(mesh, images))
        return jax.device_get(metrics)

    device = jax.local_devices()[0]
    peak = lambda: (device.memory_stats() or {}).get("peak_bytes_in_use")
    name = None if device.platform == "cpu" else device.device_kind
    flops = (compiled.cost_analysis() or {}).get("flops", float("nan"))
    return {"step": step, "peak": peak, "flops": flops, "rate": lambda: _product_rate(case.precision), "device": name}


def _product_rate(precision: str) -> float:
    """FLOPs a second of one large matrix product in JAX: the best of ten."""
    import jax
    import jax.numpy as jnp

    n = 2048 if jax.default_backend() == "cpu" else 8192
    a = jnp.ones((n, n), precision)
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        product(a).block_until_ready()
        times.append(time.perf_counter() - begun)
    return 2 * n**3 / min(times)
