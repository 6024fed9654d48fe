"""What the settings of all models have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gan_jax.config.data import Kind
from gan_jax.config.ranges import Count
from gan_jax.config.schema import name_of
from gan_jax.sizes import Sides, doublings, nearest, shown

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.losses import AdversarialLoss
    from gan_jax.types import Network

Networks = tuple["Network", "Network"]


@dataclass(frozen=True)
class Model:
    """What every model has."""

    latent_size: Count = 128
    """Dimensions of the latent, standard normal."""
    generator_width: Count = 64
    """Channels of the generator's maps beside the image; deeper maps have multiples."""
    discriminator_width: Count = 64
    """The same of the discriminator."""

    sizes: ClassVar[tuple[int, ...] | None] = None  # pixels on the longer side of images; None: any
    makes: ClassVar[Kind] = "pictures"
    translates: ClassVar[bool] = False  # whether it makes an image of one that it is given, for a task
    classifies: ClassVar[bool] = False  # whether its discriminator is a classifier, for few labels
    square: ClassVar[bool] = False  # whether both sides are as long, always
    least_width: ClassVar[int] = 1
    learns_features: ClassVar[bool] = False  # whether its discriminator does, of those that data bring along
    normalises: ClassVar[bool] = True  # over the batch, which then has two images or more

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """Generator and discriminator of such images; 0 classes are no labels."""
        raise NotImplementedError

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """What the networks are trained with on such data, where a loss was asked for."""
        del data
        return adversarial

    def wrong(self, config: Config) -> list[str]:
        """What does not go together in here, or with the data and the batches."""
        found, name, size = [], name_of(self), config.data.frame_size
        if self.sizes and (near := nearest(size, self.sizes, square=self.square)) != size:
            some = ", ".join(map(str, self.sizes)) + " pixels"
            if size[0] != size[1] and not self.square:
                some += f" on the longer side, multiples of {1 << doublings(near)} on the other"
            found.append(f"data.size: model {name} makes {some}, not {shown(size)}; try --data.size {shown(near)}")
        for key in ("generator_width", "discriminator_width"):
            if (width := getattr(self, key)) < self.least_width:
                found.append(f"model.{key}: model {name} needs {self.least_width} or more, got {width}")
        if config.data.features is not None and not self.learns_features:
            found.append(f"data.features: are for --model gat, and model {name} learns none; drop --data.features")
        if config.batch_size == 1 and self.normalises:
            found.append(f"batch_size: model {name} normalises over the batch and needs 2 or more, got 1")
        return found

    def idle(self, config: Config) -> list[str]:
        """What is asked for in here and does nothing."""
        del config
        return []


@dataclass(frozen=True)
class Mixed(Model):
    """Models that may compute in bfloat16."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """What layers compute in; weights stay float32."""

    @property
    def dtype(self) -> Any:
        """What all layers compute in, of models that have no stages of their own choice."""
        import jax.numpy as jnp

        return jnp.dtype(self.precision)

    def generator(self, model: Any, data: DataConfig, classes: int) -> Network:
        """Of the models whose generators have the same fields."""
        size, channels = data.image_size, data.image_channels
        return model.Generator(size, channels, self.generator_width, classes, self.dtype, data.end)

    def low_precision_from(self, size: Sides) -> int | None:
        """The lowest of the resolutions that compute in bfloat16: of NVlabs' trainers the four highest, from 8x8 up."""
        return None if self.precision == "float32" else max(8, max(size) // 8)
