"""The convolutions of the recipes, as they run on a CPU: DCGAN whole, the others at an eighth of the papers' widths."""

from typing import NamedTuple


class Shape(NamedTuple):
    """A convolution from a larger image to a smaller one, or of one size; a transposed one is read backwards."""

    network: str
    kernel: int
    stride: int
    size: int  # pixels of the larger image, along each axis
    large: int  # its channels
    small: int  # channels of the other
    groups: int = 1

    @property
    def front(self) -> int:
        """Zeros before the image, along each axis, as TensorFlow's "same" padding has them."""
        return max(self.kernel - self.stride, 0) // 2

    @property
    def extra(self) -> int:
        """How many more there are behind it, which PyTorch is given as pixels."""
        return max(self.kernel - self.stride, 0) % 2

    def widened(self, times: int) -> "Shape":
        """With so many times the channels, but for those of images; groups keep their size."""
        wider = lambda channels: channels if channels <= 3 else times * channels
        groups = self.groups * times if self.groups > 1 else 1
        return self._replace(large=wider(self.large), small=wider(self.small), groups=groups)

    def __str__(self) -> str:
        groups = f" in {self.groups} groups" if self.groups > 1 else ""
        taps = f"{self.kernel}x{self.kernel}" + (f" stride {self.stride}" if self.stride > 1 else "")
        return f"{self.network}: {taps}, {self.size}x{self.size}x{self.large} and {self.small}{groups}"


WHOLE = ("DCGAN", "article")
"""The networks whose widths are the papers'."""

SHAPES = (
    Shape("DCGAN", 4, 2, 64, 3, 64),
    Shape("DCGAN", 4, 2, 32, 64, 128),
    Shape("DCGAN", 4, 2, 16, 128, 256),
    Shape("DCGAN", 4, 2, 8, 256, 512),
    Shape("article", 5, 2, 28, 1, 128),
    Shape("article", 5, 2, 14, 128, 128),
    Shape("article", 5, 1, 7, 128, 128),
    Shape("SNGAN", 3, 1, 32, 3, 16),
    Shape("SNGAN", 3, 1, 32, 16, 16),
    Shape("SNGAN", 3, 1, 32, 32, 32),
    Shape("SNGAN", 3, 1, 32, 32, 3),
    Shape("SNGAN", 3, 1, 16, 16, 16),
    Shape("SNGAN", 3, 1, 16, 32, 32),
    Shape("SNGAN", 3, 1, 8, 32, 32),
    Shape("SNGAN", 1, 1, 16, 32, 32),
    Shape("StyleGAN2", 3, 1, 32, 64, 64),
    Shape("StyleGAN2", 3, 1, 16, 128, 128),
    Shape("StyleGAN2", 3, 1, 8, 256, 256),
    Shape("StyleGAN2", 3, 1, 4, 512, 512),
    Shape("StyleGAN2", 3, 2, 34, 64, 128),
    Shape("StyleGAN2", 3, 2, 18, 128, 256),
    Shape("StyleGAN2", 3, 2, 10, 256, 512),
    Shape("R3GAN", 1, 1, 32, 96, 192),
    Shape("R3GAN", 1, 1, 16, 96, 192),
    Shape("R3GAN", 1, 1, 8, 96, 192),
    Shape("R3GAN", 3, 1, 32, 192, 192, 12),
    Shape("R3GAN", 3, 1, 16, 192, 192, 12),
    Shape("R3GAN", 3, 1, 8, 192, 192, 12),
    Shape("R3GAN", 3, 1, 4, 192, 192, 12),
)
