"""The typed config of a run: its groups, and what they are together. Imports nothing of JAX."""

from dataclasses import dataclass
from typing import Literal

from gan_jax.config.beats import CadenceConfig, EvaluateConfig
from gan_jax.config.data import DataConfig, Kind
from gan_jax.config.films import MoCoGAN
from gan_jax.config.models import ACGAN, DCGAN, FMGAN, MLP, R3GAN, SAGAN, SNGAN, AnyModel, Article, BigGAN, StyleGAN2
from gan_jax.config.optimizer import AdamConfig
from gan_jax.config.ranges import Count, FewSteps, OptionalCount, OptionalTrackers, Seed
from gan_jax.config.rules import AnnealConfig, AugmentConfig, AverageConfig, PenaltyConfig
from gan_jax.config.start import StartConfig
from gan_jax.config.task import NoTask, TaskConfig
from gan_jax.config.tasks import (
    AnyTask,
    Colouring,
    FewLabels,
    FromEdges,
    Inpainting,
    Likelihood,
    Pairs,
    Reconstruction,
    Restyled,
    RestyledOneWay,
    Segmentation,
    SuperResolution,
    Unpaired,
    UnpairedOneWay,
)
from gan_jax.config.transformers import GAT
from gan_jax.config.translators import CUT, ESRGAN, SRGAN, Autoencoder, AutoencoderKL, CycleGAN, Gated, Pix2Pix
from gan_jax.config.writers import RelGAN, WGANText

__all__ = [
    "ACGAN",
    "CUT",
    "DCGAN",
    "ESRGAN",
    "FMGAN",
    "GAT",
    "MLP",
    "R3GAN",
    "SAGAN",
    "SNGAN",
    "SRGAN",
    "AdamConfig",
    "AnnealConfig",
    "AnyModel",
    "AnyTask",
    "Article",
    "AugmentConfig",
    "Autoencoder",
    "AutoencoderKL",
    "AverageConfig",
    "BigGAN",
    "CadenceConfig",
    "Colouring",
    "Config",
    "CycleGAN",
    "DataConfig",
    "EvaluateConfig",
    "FewLabels",
    "FromEdges",
    "Gated",
    "Inpainting",
    "Likelihood",
    "MoCoGAN",
    "NoTask",
    "Pairs",
    "PenaltyConfig",
    "Pix2Pix",
    "Reconstruction",
    "RelGAN",
    "Restyled",
    "RestyledOneWay",
    "Segmentation",
    "StartConfig",
    "StyleGAN2",
    "SuperResolution",
    "TaskConfig",
    "Unpaired",
    "UnpairedOneWay",
    "WGANText",
]


@dataclass(frozen=True)
class Config:
    """A run of training: with the data, all that decides its result."""

    steps: Count = 2000
    """Updates of the generator, in the whole run."""
    batch_size: Count = 64
    """Images in a batch, over all devices together."""
    seed: Seed = 0
    """Decides the first weights, the latents and the order of the data."""
    conditional: bool = False
    """Give both networks the labels."""
    loss: Literal[
        "minimax",
        "non_saturating",
        "smoothed",
        "least_squares",
        "hinge",
        "wasserstein",
        "relativistic",
        "relativistic_average",
        "none",
    ] = "non_saturating"
    """The adversarial loss; gan_jax/losses.py has the formula and the paper of each. none is no game: what a task asks
    for beside it, alone."""
    discriminator_steps: FewSteps = 1
    """Updates of the discriminator for each one of the generator, on as many batches."""
    generator_batch: Literal["shared", "own"] = "shared"
    """Real images of the generator's update, for losses that compare: the discriminator's last ones, or its own."""
    devices: OptionalCount = None
    """How many local devices share the batch. Default: all."""
    parallel: Literal["jit", "pmap"] = "jit"
    """How a step becomes the work of many devices: one program over all, or one for each by jax.pmap, to rounding."""
    steps_per_call: FewSteps = 1
    """Steps in one program, where nothing is due between them: for small networks on GPU and TPU, not for CPU."""
    accumulate: Count = 1
    """Parts in which the networks take a batch, one after another, for less memory and more time. Gradients are the
    same where images do not interact; batch normalisation is over a part. Meant for GPU and TPU."""
    remat: bool = False
    """Compute networks again in the backward pass, for less memory and more time."""
    track: OptionalTrackers = None
    """Show rows, scores and grids elsewhere, too: tensorboard writes its events into the run folder (needs pip install
    tensorboardX), wandb sends them to Weights & Biases (pip install wandb; wandb login, or WANDB_MODE=offline)."""
    data: DataConfig = DataConfig()
    task: AnyTask = NoTask()
    model: AnyModel = DCGAN()
    start: StartConfig = StartConfig()
    generator: AdamConfig = AdamConfig()
    discriminator: AdamConfig = AdamConfig()
    penalty: PenaltyConfig = PenaltyConfig()
    augment: AugmentConfig = AugmentConfig()
    average: AverageConfig = AverageConfig()
    anneal: AnnealConfig = AnnealConfig()
    every: CadenceConfig = CadenceConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def trackers(self) -> list[str]:
        """The names of what shows the run."""
        return self.track.split(",") if self.track else []

    @property
    def tells(self) -> bool:
        """Whether the networks are told labels: classes, or clusters."""
        return self.conditional or self.data.clusters is not None

    def labels_told(self, classes: int) -> int:
        """How many labels the networks are told apart, of data with so many classes."""
        return self.data.clusters or (classes if self.conditional or self.task.classifies else 0)

    @property
    def read_size(self) -> tuple[int, int]:
        """Height and width of what is read: of pairs, both side by side; of two domains, or with masks, one above
        the other.
        """
        height, width = self.data.image_size
        return height * (1 + (self.task.between_domains or self.task.of_masks)), width * (1 + self.task.of_pairs)

    @property
    def read_channels(self) -> int:
        """Channels of what is read: of text its characters' numbers."""
        return 1 if self.data.kind == "text" else self.data.image_channels

    @property
    def judged_by(self) -> Literal["features", "ngrams", "motion", "masks"]:
        """What is compared of what is made and what is real."""
        if self.task.of_masks:
            return "masks"
        kinds: dict[Kind, Literal["features", "ngrams", "motion"]]
        kinds = {"pictures": "features", "text": "ngrams", "clips": "motion"}
        return kinds[self.data.kind]

    @property
    def batches_per_step(self) -> int:
        """Batches that one step of training takes."""
        return self.discriminator_steps + (self.generator_batch == "own")

    @property
    def images_per_step(self) -> int:
        """Real images that the discriminator is trained on in a step: by these, schedules count."""
        return self.batch_size * self.discriminator_steps
