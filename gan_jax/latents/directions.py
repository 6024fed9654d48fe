"""Directions of a latent space in which pictures change most, found without labels."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.latents.walks import Points
from gan_jax.types import Images, Params

Axes = Float[Array, "directions features"]  # orthonormal rows, the strongest first


class Directions(NamedTuple):
    """Some orthonormal axes of a space, around a mean."""

    mean: Float[Array, " features"]  # of the points that they were found with
    axes: Axes
    deviations: Float[Array, " directions"]  # standard deviations of these points along each axis


def along(directions: Directions, points: Points, amounts: Float[Array, "*batch directions"]) -> Points:
    """Points `[..., D]` moved by so many deviations along each axis, `[..., N]`."""
    return points + (amounts * directions.deviations.reshape((1,) * (amounts.ndim - 1) + (-1,))) @ directions.axes


def by_covariance(points: Points, count: int) -> Directions:
    """The first `count` principal components of points `[M, D]`: GANSpace, Härkönen et al. 2020 (arXiv:2004.02546).

    For styles, whose distribution has a shape; normal latents have none. Raises ValueError for more than D.
    """
    centred = points - jnp.mean(points, axis=0, keepdims=True)
    return _described(_strongest(centred.T @ centred, count), points)


def by_weights(params: Params, points: Points, count: int) -> Directions:
    """Eigenvectors of AᵀA, A all the maps from styles to scales of kernels: SeFa, Shen & Zhou 2021 (arXiv:2007.06600).

    What changes scales most in the first step from style to picture, for StyleGAN2: of its parameters these are all
    kernels `[D, channels]` beneath "scales". `points` `[M, D]` tell deviations alone. Raises ValueError where there are
    none.
    """
    found = jax.tree_util.tree_leaves_with_path(params)
    kernels = [leaf for path, leaf in found if [key.key for key in path[-2:]] == ["scales", "kernel"]]
    if not kernels:
        raise ValueError("these parameters have no layer named scales; find directions by_jacobian")
    return _described(_strongest(sum(kernel @ kernel.T for kernel in kernels), count), points)


def by_jacobian(
    draw: Callable[..., Images], points: Points, count: int, *fixed: Any, iterations: int = 12, more: int = 4
) -> Directions:
    """Eigenvectors of E[JᵀJ], J the Jacobian of the picture by its point: where steps change pixels most, of any model.

    The mean is over points `[M, D]`, which `draw(points, *fixed)` makes images of, each of its own point alone. By
    subspace iteration on products with J and with Jᵀ (Halko et al. 2011, arXiv:0909.4061, section 4.5), so that no J is
    ever held: memory is that of a gradient through M images. Axes of nearly equal eigenvalues are mixed; `more` of them
    beside those that are asked for bring these out in fewer `iterations`. Weights belong into `fixed`: those that
    `draw` closes over would be constants of a program, which take long to compile. Raises ValueError for more than D.
    """
    features = points.shape[1]
    _check(count, features)
    once = jax.jit(partial(_through_twice, draw))
    product = lambda axes: jnp.stack([once(points, axis, fixed) for axis in axes])
    # Where it starts is soon forgotten.
    axes = _orthonormal(jax.random.normal(jax.random.key(0), (features, min(count + more, features))))
    for _ in range(iterations):
        axes = _orthonormal(product(axes).T)
    within = axes @ product(axes).T  # what E[JᵀJ] is in their span
    return _described(_strongest((within + within.T) / 2, count) @ axes, points)


def _through_twice(draw: Callable[..., Images], points: Points, axis: Array, fixed: tuple[Any, ...]) -> Array:
    """E[JᵀJ] v for an axis v."""
    at = lambda points: draw(points, *fixed)
    _, back = jax.vjp(at, points)
    _, moved = jax.jvp(at, (points,), (jnp.broadcast_to(axis[None], points.shape),))
    return jnp.mean(back(moved)[0], axis=0)


def _orthonormal(columns: Array) -> Axes:
    return jnp.linalg.qr(columns)[0].T


def _strongest(symmetric: Array, count: int) -> Axes:
    """Eigenvectors of the largest eigenvalues, each with its largest entry positive."""
    _check(count, len(symmetric))
    vectors = jnp.linalg.eigh(symmetric)[1][:, ::-1].T[:count]
    largest = jnp.take_along_axis(vectors, jnp.argmax(jnp.abs(vectors), axis=1)[:, None], axis=1)
    return vectors * jnp.sign(largest)


def _described(axes: Axes, points: Points) -> Directions:
    return Directions(jnp.mean(points, axis=0), axes, jnp.std(points @ axes.T, axis=0))


def _check(count: int, features: int) -> None:
    if not 1 <= count <= features:
        raise ValueError(f"a space of {features} dimensions has 1 to {features} directions, not {count}")
