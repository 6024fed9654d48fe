"""Inpainting keeps what is known: a translator's images are its own in the hole alone.

So do Yu et al. 2019 (arXiv:1806.03589), in whose code it is the completed image that the discriminator sees.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from gan_jax.layers.conditioning import as_image
from gan_jax.types import Condition, Images, Network


class Composed(NamedTuple):
    """A translator `[B, H, W, C + 1]` to `[B, H, W, C]`, whose known pixels are those of the condition.

    The condition's last channel is 1 where a pixel is known and -1 in the hole. Variables are the translator's own.
    """

    network: Network

    def init(self, rngs: Any, inputs: Any, condition: Any, *, train: bool) -> Any:
        """The network's own variables."""
        return self.network.init(rngs, inputs, condition, train=train)

    def apply(
        self, variables: Any, inputs: Any, condition: Any, *, train: bool, rngs: Any, mutable: Any
    ) -> tuple[Any, Any]:
        """One forward pass."""
        images, moved = self.network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)
        return compose(images, condition), moved


def compose(images: Images, condition: Condition) -> Images:
    """The pixels of the condition `[B, H, W, C + 1]` where its last channel is positive, else those of the images.

    In the dtype of the images. Raises ValueError where the shapes do not fit.
    """
    given, channels = as_image(condition), images.shape[-1]
    wanted, found = [*images.shape[:3], channels + 1], list(given.shape)
    if found != wanted:
        raise ValueError(f"images are composed with conditions {wanted}, a mask behind the channels; not with {found}")
    return jnp.where(given[..., -1:] > 0, given[..., :-1].astype(images.dtype), images)
