"""Where the real images come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gan_jax.config.ranges import OptionalChannels, OptionalCount, OptionalPositive, OptionalSize, Weight
from gan_jax.sizes import Sides, read, sides

if TYPE_CHECKING:
    from gan_jax.types import End

NATIVE = {
    "digits": (8, 1),
    "mnist": (28, 1),
    "fashion_mnist": (28, 1),
    "stacked_mnist": (28, 3),
    "cifar10": (32, 3),
    "celeb_a": (64, 3),
    "imagenet32": (32, 3),
}
"""The named datasets: pixels on a side, and channels; celeb_a's are larger, and 64 is customary."""

WITH_TEST_IMAGES = ("mnist", "fashion_mnist", "cifar10", "celeb_a")
"""Those of them that have a test split."""

ARRAYS = (".npy", ".npz")
"""How the names of files of arrays end."""


@dataclass(frozen=True)
class DataConfig:
    """Where the real images come from."""

    name: Literal[
        "digits", "mnist", "fashion_mnist", "stacked_mnist", "cifar10", "celeb_a", "imagenet32", "pictures"
    ] = "digits"
    """digits is scikit-learn's, stacked_mnist is made of mnist, pictures are your own (see path), the others come
    through tensorflow-datasets."""
    path: str | None = None
    """A folder or .zip of your own pictures, or an .npz or .npy of arrays, which then take the place of `name`.
    Sub-folders become classes."""
    size: OptionalSize = None
    """Pixels on a side, 64, or height x width, 48x64: images are resized to cover it and cropped in the middle.
    Default: as they are."""
    channels: OptionalChannels = None
    """1 for greyscale, 3 for RGB. Default: as the named dataset is; RGB for your own pictures. Floats have up to 16."""
    deviation: OptionalPositive = None
    """Read arrays as floats, such as latents of an autoencoder, and bring each channel to a mean of 0 and this
    deviation; samples are brought back. Pictures have about 0.5. Default: arrays are bytes, as pictures are."""
    flip: bool = False
    """Mirror each real image with probability 1/2, every time that it is seen: customary for faces and CIFAR-10."""
    clusters: OptionalCount = None
    """Part images without labels into so many clusters by their likeness, and tell the networks these in place of
    labels; drawn as often as they are in the data (Liu et al. 2020). Default: no."""
    data_dir: str | None = None
    """Where tensorflow-datasets keeps prepared data; by default ~/tensorflow_datasets."""
    download: bool = False
    """Download and prepare a named dataset that is not there yet (needs network, and TensorFlow once)."""
    on_bad: Literal["refuse", "skip"] = "refuse"
    """What to do about pictures that cannot be read: stop and name them, or leave them out and name them."""

    memory: Weight = 4.0
    """GB of decoded images that are held in memory at most: a larger set is read and decoded as it is needed, by as
    many threads as there are cores; 0: every set is. The same images in the same order."""

    @property
    def own(self) -> bool:
        """Whether these are somebody's own pictures."""
        return self.path is not None or self.name == "pictures"

    @property
    def floats(self) -> bool:
        """Whether images are floats of a range of their own."""
        return self.deviation is not None

    @property
    def arrays(self) -> bool:
        """Whether they come as arrays in a file."""
        return self.path is not None and self.path.lower().endswith(ARRAYS)

    @property
    def end(self) -> End:
        """What the last layer of a generator goes through."""
        from flax.linen import tanh
        from jax.nn import identity

        return identity if self.floats else tanh

    @property
    def image_size(self) -> Sides:
        """Height and width of the images that the networks see."""
        return sides((self.size and read(self.size)) or NATIVE[self.name][0])

    @property
    def image_channels(self) -> int:
        """Channels of the images that the networks see."""
        return self.channels or (3 if self.own else NATIVE[self.name][1])

    def wrong(self) -> list[str]:
        """What does not go together in here."""
        found = []
        if self.own and not self.path:
            found.append("data.path: expected a folder or .zip of pictures, got nothing; add --data.path FOLDER-OR-ZIP")
        if self.own and self.size is None:
            found.append("data.size: your own pictures need a size to be brought to, such as --data.size 64")
        if self.floats and not self.arrays:
            given = self.path or f"the named data {self.name}"
            found.append(f"data.deviation: is of floats in an .npz or .npy, not of {given}; name one with --data.path")
        if self.floats and self.clusters:
            found.append("data.clusters: are found among pictures, not among floats; drop --data.clusters")
        if not self.floats and self.image_channels not in (1, 3):
            found.append(
                f"data.channels: pictures have 1 (greyscale) or 3 (RGB), not {self.channels}; for floats add "
                "--data.deviation 0.5"
            )
        if self.name == "stacked_mnist" and not self.own and self.image_channels != 3:
            found.append("data.channels: stacked_mnist is three digits as red, green and blue; leave it at 3")
        return found
