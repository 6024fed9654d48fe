"""What is known of an image stays what it is: a translator's images are its own in the rest.

So do Yu et al. 2019 (arXiv:1806.03589), in whose code it is the completed image that the discriminator sees.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from gan_jax.types import Condition, Images, Network

Keep = Callable[[Images, Condition], Images]
"""`(what was made, what was given) -> the same with what is known in its place`: of `tasks.inpainting`, the pixels
beside the hole; of `tasks.translation`, the luma of what is coloured."""


class Composed(NamedTuple):
    """A translator in whose images what is known is kept. Variables are the translator's own."""

    network: Network
    keep: Keep

    def init(self, rngs: Any, inputs: Any, condition: Any, *, train: bool) -> Any:
        """The network's own variables."""
        return self.network.init(rngs, inputs, condition, train=train)

    def apply(
        self, variables: Any, inputs: Any, condition: Any, *, train: bool, rngs: Any, mutable: Any
    ) -> tuple[Any, Any]:
        """One forward pass."""
        images, moved = self.network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)
        return self.keep(images, condition), moved
