"""Where the real images come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gan_jax.config.ranges import (
    Characters,
    Count,
    OptionalChannels,
    OptionalCount,
    OptionalFeatures,
    OptionalPositive,
    OptionalSize,
    Share,
    Weight,
)
from gan_jax.sizes import Sides, read, sides

if TYPE_CHECKING:
    from gan_jax.types import End

NATIVE = {
    "digits": (8, 1),
    "mnist": (28, 1),
    "fashion_mnist": (28, 1),
    "stacked_mnist": (28, 3),
    "cluttered_mnist": (32, 3),
    "cifar10": (32, 3),
    "celeb_a": (64, 3),
    "imagenet32": (32, 3),
    "moving_mnist": (32, 1),
}
"""The named datasets: pixels on a side, and channels; celeb_a's are larger, and 64 is customary."""

WITH_TEST_IMAGES = ("mnist", "cluttered_mnist", "fashion_mnist", "cifar10", "celeb_a")
"""Those of them that have a test split."""

LEAST_TEXT = 4
"""Characters of a piece: pieces are compared by what is as long."""

ARRAYS = (".npy", ".npz")
"""How the names of files of arrays end."""

FLOATS = "an .npz, an .npy, or a folder of .npy"
"""Where floats are read from."""

TEXTS = (".txt",)
"""How the names of files of text end."""

CLIPS = ("moving_mnist", "clips")
"""The names of those that move."""

LEAST_FRAMES = 3
"""Of a clip: two steps have one turn."""

Kind = Literal["pictures", "text", "clips"]
"""What real data are, and so what is made, shown and judged."""


@dataclass(frozen=True)
class DataConfig:
    """Where the real images come from."""

    name: Literal[
        "digits",
        "mnist",
        "fashion_mnist",
        "stacked_mnist",
        "cluttered_mnist",
        "cifar10",
        "celeb_a",
        "imagenet32",
        "pictures",
        "text",
        "moving_mnist",
        "clips",
    ] = "digits"
    """digits is scikit-learn's, stacked_mnist, cluttered_mnist (digits on photographs, with masks) and moving_mnist
    (clips of digits that bounce) are made of mnist, pictures, text and clips are your own (see path), the others come
    through tensorflow-datasets."""
    path: str | None = None
    """A folder or .zip of your own pictures, an .npz or .npy of arrays, or a .txt of text in UTF-8, which then take the
    place of `name`; where that is clips, or moving_mnist, of animated GIF or WebP files; where there is a deviation, of
    .npy files, one an image. Sub-folders become classes."""
    size: OptionalSize = None
    """Pixels on a side, 64, or height x width, 48x64: images are resized to cover it and cropped in the middle.
    Default: as they are. Of text: characters of a piece, 32; every place of the text is the first of one."""
    alphabet: Characters = 96
    """Of text: how many characters are told apart, the most frequent ones; if it has more, the last one stands for all
    others, which may be a tenth of the text."""
    test: Share = 0.1
    """Of text: share at its end that is held out, and that scores are beside."""
    frames: Count = 16
    """Of clips: frames of each; of longer ones of your own the first."""
    channels: OptionalChannels = None
    """1 for greyscale, 3 for RGB. Default: as the named dataset is; RGB for your own pictures. Floats have up to 16."""
    deviation: OptionalPositive = None
    """Read arrays as floats, such as latents of an autoencoder (of a folder its .npy files, one an image), and bring
    each channel to a mean of 0 and this deviation; samples are brought back. Pictures have about 0.5. Default: arrays
    are bytes, as pictures are."""
    features: OptionalFeatures = None
    """Read what a teacher says of each image, an array `features` beside the images (of an .npy a features.npy beside
    it), for D of --model gat to learn: 768 numbers of the whole, or 256x768 of its patches, row by row, or 257x768 of
    the whole and its patches. Default: no."""
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
        return self.path is not None or self.name in ("pictures", "text", "clips")

    @property
    def kind(self) -> Kind:
        """What these are."""
        named = self.path is not None and self.path.lower().endswith(TEXTS)
        return "text" if named or self.name == "text" else "clips" if self.name in CLIPS else "pictures"

    @property
    def floats(self) -> bool:
        """Whether images are floats of a range of their own."""
        return self.deviation is not None

    @property
    def arrays(self) -> bool:
        """Whether they come as arrays in a file."""
        return self.path is not None and self.path.lower().endswith(ARRAYS)

    @property
    def features_shape(self) -> tuple[int, int] | None:
        """How many features an image has, and of how many numbers; None if none are read."""
        if self.features is None or (shape := read(self.features)) is None:
            return None
        return (1, shape) if isinstance(shape, int) else sides(shape)

    @property
    def end(self) -> End:
        """What the last layer of a generator goes through."""
        from flax.linen import tanh
        from jax.nn import identity

        return identity if self.floats else tanh

    @property
    def image_size(self) -> Sides:
        """Height and width of the images that the networks see: a clip has its frames one above another, and a piece
        of text is one pixel high.
        """
        height, width = self.frame_size
        return height * (self.frames if self.kind == "clips" else 1), width

    @property
    def frame_size(self) -> Sides:
        """Height and width of what is seen at once: a frame of a clip, and all of any other image."""
        if self.kind == "text":
            return 1, self.size if isinstance(self.size, int) else 1
        return sides((self.size and read(self.size)) or NATIVE[self.name][0])

    @property
    def image_channels(self) -> int:
        """Channels of the images that the networks see; of text one for each character."""
        if self.kind == "text":
            return self.alphabet
        return self.channels or (3 if self.own else NATIVE[self.name][1])

    def wrong(self) -> list[str]:
        """What does not go together in here."""
        found = self._wrong_text() if self.kind == "text" else self._wrong_pictures()
        if self.features is not None and not self.arrays:
            found.append("data.features: come in an .npz, or beside an .npy of images; name one with --data.path")
        return found + self._wrong_clips()

    def _wrong_text(self) -> list[str]:
        found = []
        if not self.path:
            found.append("data.path: expected a file of text, got nothing; add --data.path FILE.txt")
        if not isinstance(self.size, int) or self.size < LEAST_TEXT:
            found.append(
                f"data.size: a text is read in pieces of {LEAST_TEXT} characters or more, such as 32, not {self.size}"
            )
        if not 0 < self.test < 1:
            found.append(f"data.test: expected a share above 0 and below 1, got {self.test:g}")
        no_pixels = ("channels", "deviation", "flip", "clusters", "on_bad")
        return found + [
            f"data.{key}: is of pictures, not of text; leave it out"
            for key in no_pixels
            if getattr(self, key) != getattr(DataConfig, key)
        ]

    def _wrong_clips(self) -> list[str]:
        if self.kind != "clips":
            idle = self.frames != DataConfig.frames
            return [f"data.frames: is of clips, not of {self.kind}; leave it out, or add --data clips"] * idle
        found = []
        if self.frames < LEAST_FRAMES:
            found.append(f"data.frames: a clip has {LEAST_FRAMES} frames or more, not {self.frames}")
        found += [
            f"data.{key}: is of pictures, not of clips; leave it out"
            for key in ("deviation", "clusters")
            if getattr(self, key) is not None
        ]
        if self.arrays:
            found.append("data.path: clips are animated GIF or WebP files, not arrays; name a folder or .zip of them")
        square = not self.size or self.frame_size[0] == self.frame_size[1]
        if not self.own and (self.channels or 1, square) != (1, True):
            found.append("data: moving_mnist is made of square grey frames; leave data.channels out, name one side")
        return found

    def _wrong_pictures(self) -> list[str]:
        found = [
            f"data.{key}: is of text, not of pictures; leave it out, or name one with --data.path FILE.txt"
            for key in ("alphabet", "test")
            if getattr(self, key) != getattr(DataConfig, key)
        ]
        if self.own and not self.path:
            what, add = (FLOATS, "FILE.npz") if self.floats else (f"a folder or .zip of {self.kind}", "FOLDER-OR-ZIP")
            found.append(f"data.path: expected {what}, got nothing; add --data.path {add}")
        if self.own and self.size is None:
            found.append(f"data.size: your own {self.kind} need a size to be brought to, such as --data.size 64")
        if self.floats and not self.own:
            found.append(
                f"data.deviation: is of floats in {FLOATS}, not of the named data {self.name}; name one with "
                "--data.path"
            )
        if self.floats and self.on_bad == "skip":
            found.append("data.on_bad: an array that cannot be read is refused; drop --data.on-bad skip")
        if self.floats and self.clusters:
            found.append("data.clusters: are found among pictures, not among floats; drop --data.clusters")
        if not self.floats and self.image_channels not in (1, 3):
            found.append(
                f"data.channels: pictures have 1 (greyscale) or 3 (RGB), not {self.channels}; for floats add "
                "--data.deviation 0.5"
            )
        if self.name == "stacked_mnist" and not self.own and self.image_channels != 3:
            found.append("data.channels: stacked_mnist is three digits as red, green and blue; leave it at 3")
        fixed = (self.size or 32, self.channels or 3) == (32, 3)
        if self.name == "cluttered_mnist" and not self.own and not fixed:
            found.append("data.size: cluttered_mnist is made of 32x32 pixels, in colours; leave both as they are")
        return found
