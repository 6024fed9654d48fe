"""AC-GAN's discriminator, which also names the class (Odena et al. 2017, arXiv:1610.09585, section 4, appendix A).

Six 3x3 convolutions, every second halving the image, with batch normalisation but for the first, leaky slopes of 0.2
and dropout. Its generator may be any that takes labels; train the two with `losses.auxiliary`.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.convolution import Convolution
from gan_jax.types import Condition, Images, Logits

STRIDES = (2, 1, 2, 1, 2, 1)


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to `[B, 2]`: the logit of being real, and log P(label | image), at most 0.

    `width` counts the channels of the first layer, and doubles with each: 16 in the paper. Raises ValueError without
    labels.
    """

    classes: int
    width: int = 16
    dropout: float = 0.5
    dtype: Any = jnp.float32
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image, and its label."""
        told = as_vectors(condition, self.classes)
        if told is None:
            raise ValueError("an auxiliary classifier needs classes; build it with classes=N")
        x = images
        norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9, axis_name=self.axis_name)
        for i, stride in enumerate(STRIDES):
            x = Convolution(self.width << i, 3, stride, use_bias=i == 0, dtype=self.dtype, name=f"convolution_{i}")(x)
            if i:
                x = norm(dtype=x.dtype, name=f"norm_{i}")(x)
            x = nn.Dropout(self.dropout, deterministic=not train, name=f"drop_{i}")(nn.leaky_relu(x, 0.2))
        x = x.reshape(x.shape[0], -1).astype(jnp.float32)
        found = nn.Dense(1 + self.classes, kernel_init=nn.initializers.normal(0.02), name="logits")(x)
        likelihoods = jax.nn.log_softmax(found[:, 1:])
        return jnp.stack([found[:, 0], jnp.sum(likelihoods * told, axis=-1)], axis=-1)
