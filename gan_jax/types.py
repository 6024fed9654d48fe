"""The words that signatures use: arrays with their shapes, what data are, and what a network is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

Scalar = Float[Array, ""]
PRNGKey = Key[Array, ""]
Images = Float[Array, "batch height width channels"]  # in [-1, 1]
Made = Any  # what a GAN makes: images, or any pytree of arrays with a leading batch axis
Bytes = UInt8[Array, "batch height width channels"]  # in [0, 255]
Latents = Float[Array, "batch latent"]
Labels = Int[Array, " batch"]  # in [0, classes)
Attributes = Float[Array, "batch attributes"]  # several labels at once, or continuous ones
Features = Float[Array | np.ndarray, "batch places numbers"]  # of an image and its patches, as `sizes.laid` has them
Logits = Float[Array, "batch ..."]  # unbounded; positive means "real"
Said = Any  # what a discriminator says: logits, or a pytree of arrays with a leading batch axis
Condition = Any  # what an image shall show: None, Labels, Attributes, other Images, or a pytree of these
Params = Any  # a pytree of arrays that gradients move
Stats = dict[str, Any]  # Flax collections that forward passes move: batch means, singular vectors
Metrics = dict[str, Scalar]
End = Callable[[Array], Array]  # of a generator: tanh, or the identity where data are not confined to [-1, 1]


class Batch(NamedTuple):
    """Real images and their conditions, in the same order."""

    images: Images | Bytes | Made
    condition: Condition = None


class Taught(NamedTuple):
    """What both networks are told of real images and, for the discriminator to learn, what a teacher says of them."""

    told: Condition  # never Taught itself
    features: Features  # zeros where the teacher says nothing


Rows = slice | Sequence[int] | np.ndarray
"""Places in a set, in any order."""


class Source(Protocol):
    """Images `[N, H, W, C]`, any of which can be had by their places.

    An array is one, in memory or mapped; so is whatever reads and decodes them when they are asked for.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, H, W, C)`."""

    @property
    def dtype(self) -> np.dtype:
        """Of what is read."""

    @property
    def nbytes(self) -> int:
        """Of memory that it holds: all images, or what it finds them by."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        """Images `[n, H, W, C]`, called from many threads at once. Raises DataError, naming what cannot be read."""


class Weights(NamedTuple):
    """What a forward pass reads."""

    params: Params  # moved by gradients
    stats: Stats  # moved by forward passes


class Network(Protocol):
    """What the core asks of a generator or a discriminator: two pure functions.

    Every `flax.linen.Module` whose `__call__` is `(inputs, condition=None, *, train=False)` has this shape; so has any
    object with these two, such as a NamedTuple of two functions, and `flax.nnx.bridge.ToLinen(Class)` of an nnx class
    with that `__call__`. `init` returns `{"params": ..., **stats}`; `apply` returns the output, an array or a pytree of
    arrays, and the collections named in `mutable`, as the forward pass has left them. `rngs` has the keys "params" and
    "dropout"; Flax's `make_rng` of any other name, such as "noise", draws from the first. In evaluation it is None,
    unless `generate` was given a key.

    A discriminator of one logit an image may say of itself `judges_alone = True`: no image of a batch moves the logit
    of another, in training either, as it does by batch normalisation. Slopes then cost less (`pulls.pulled`). Whoever
    derives a network from such a one, and adds what makes images interact, takes it back.
    """

    def init(self, rngs: Any, inputs: Any, condition: Any, *, train: bool) -> Any:
        """Draws the variables."""

    def apply(
        self, variables: Any, inputs: Any, condition: Any, *, train: bool, rngs: Any, mutable: Any
    ) -> tuple[Any, Any]:
        """One forward pass."""
