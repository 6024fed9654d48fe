"""Minibatch standard deviation: the discriminator sees how much the images of a batch differ.

Karras et al. 2018 (arXiv:1710.10196, section 3). Images interact here, so that a gradient penalty on a discriminator
with this layer is that of the sum over a group, as in the authors' networks.
"""

import jax.numpy as jnp
from jax import lax

from gan_jax.layers.convolution import Maps
from gan_jax.layers.sharding import by_batch

EPSILON = 1e-8
"""Added to variances: the slope of a root is infinite at zero, where images are alike."""


def minibatch_deviation(x: Maps, group: int = 4, features: int = 1, axis_name: str | None = None) -> Maps:
    """`[B, H, W, C] -> [B, H, W, C + features]`: maps, and behind them how much those of its group differ.

    Groups are strided, as in the authors' code (NVlabs/stylegan2, training/networks_stylegan2.py): of n groups, image i
    is in group i mod n; a batch smaller than `group` is one. With σ the standard deviation over the group (√(variance +
    1e-8), at every pixel and channel), the new channel f is the mean of σ over pixels and over the f-th of `features`
    equal runs of channels: one number for a whole group. Computed in float32; keeps the dtype. Raises ValueError where
    the group does not divide the batch, or `features` the channels. Of a batch whose size is not known (`jax.export`)
    it is to be seen that the group divides it: "4 * b". With the name of an axis of devices, the batch is that of all.
    """
    if axis_name is not None:
        whole = minibatch_deviation(lax.all_gather(x, axis_name, tiled=True), group, features)
        return lax.dynamic_slice_in_dim(whole, lax.axis_index(axis_name) * x.shape[0], x.shape[0])
    batch, channels = x.shape[0], x.shape[-1]
    members = min(group, batch) if isinstance(batch, int) else group
    if group < 1 or batch % members:
        raise ValueError(f"a batch of {batch} does not split into groups of {group}; choose a multiple of the group")
    if features < 1 or channels % features:
        raise ValueError(f"{channels} channels do not split into {features} features of deviation")
    return by_batch(lambda x: _beside(x, members, features))(x)


def _beside(x: Maps, members: int, features: int) -> Maps:
    batch, height, width, channels = x.shape
    grouped = x.astype(jnp.float32).reshape(members, batch // members, height, width, features, channels // features)
    centred = grouped - jnp.mean(grouped, axis=0, keepdims=True)
    deviation = jnp.sqrt(jnp.mean(jnp.square(centred), axis=0) + EPSILON)
    seen = jnp.tile(jnp.mean(deviation, axis=(1, 2, 4)), (members, 1))
    planes = jnp.broadcast_to(seen[:, None, None, :], (batch, height, width, features))
    return jnp.concatenate([x, planes.astype(x.dtype)], axis=-1)
