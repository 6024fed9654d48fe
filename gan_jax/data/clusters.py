"""Classes that nobody named: data without labels parted by their own likeness, for networks that are told labels.

Told its cluster, a GAN learns one kind of picture at a time, and need not draw what lies between two kinds; clusters
are drawn as often as they are in the data, so that without a label the whole distribution comes back. After Liu et al.
2020 (arXiv:2006.10728, section 3), who cluster the discriminator's features again and again; here the pixels, once.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from gan_jax.data.reading import in_blocks
from gan_jax.data.resize import resize_all
from gan_jax.errors import DataError
from gan_jax.types import Labels, PRNGKey, Source

PIXELS = 32
"""On the longer side, at most: larger images are compared as if they were so small."""

COMPONENTS = 40
"""Principal components of the pixels, at most, in which images are compared."""

FITTED = 10_000
"""Images, chosen at random, from which components and centres are learnt; the others only go to the nearest centre."""


def partition(images: Source, clusters: int, *, seed: int = 0) -> np.ndarray:
    """Labels int32 `[N]`, in [0, clusters) and each at least once, of uint8 images `[N, H, W, C]`: like to like.

    k-means in principal components, the best of four starts (Arthur & Vassilvitskii 2007). A function of its arguments:
    on one thread and in float64, where rounding all but never moves an image to another centre. Raises DataError for
    fewer than one cluster, or for more clusters than images that differ.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    if clusters < 1:
        raise DataError(f"clusters: images are parted into 1 or more, not into {clusters}")
    height, width = images.shape[1:3]
    times = max(1, max(height, width) / PIXELS)
    small = lambda block: resize_all(block, (max(1, round(height / times)), max(1, round(width / times))), None)
    rng = np.random.RandomState(np.random.MT19937(seed))
    rows = np.sort(rng.permutation(len(images))[:FITTED])
    chosen = np.concatenate([small(block) for block in in_blocks(images, rows)])
    # Threads sum in an order of their own; images that are all alike have no variance to take shares of.
    with threadpool_limits(1), np.errstate(invalid="ignore"):
        sample = _vectors(chosen)
        pca = PCA(min(COMPONENTS, *sample.shape), svd_solver="randomized", random_state=rng).fit(sample)
        # Rounded, so that images that are alike, or differ in other components only, are seen to be alike.
        seen = lambda images: pca.transform(_vectors(images)).round(6)
        points = seen(chosen)
        if (different := len(np.unique(points, axis=0))) < clusters:
            raise DataError(
                f"clusters: {clusters} are more than the images that differ, {different} of the {len(points)} looked "
                "at; ask for fewer"
            )
        means = KMeans(clusters, n_init=4, tol=0, random_state=rng).fit(points)
        parts = [means.predict(seen(small(block))) for block in in_blocks(images)]
    return np.concatenate(parts).astype(np.int32)


def frequencies(labels: np.ndarray, classes: int) -> np.ndarray:
    """How many images each class has, int32 `[classes]`."""
    return np.bincount(labels, minlength=classes).astype(np.int32)


def labels_by_frequency(key: PRNGKey, counts: Int[Array, " classes"], count: int) -> Labels:
    """Labels `[count]`, drawn as often as `counts` has them; the i-th depends on (key, i) only, not on how many."""
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
    until = jnp.cumsum(jnp.asarray(counts))
    places = jax.vmap(lambda k: jax.random.randint(k, (), 0, until[-1]))(keys)
    return jnp.searchsorted(until, places, side="right").astype(jnp.int32)


def _vectors(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float64)
