"""The typed config of a run. Imports nothing of JAX."""

from dataclasses import dataclass
from typing import Literal

NATIVE_SIZES = {
    "digits": 8,
    "mnist": 28,
    "fashion_mnist": 28,
    "stacked_mnist": 28,
    "cifar10": 32,
    "celeb_a": 64,
    "imagenet32": 32,
}
"""The named datasets, and the pixels on a side of their images; celeb_a's are larger, and 64 is customary."""

NATIVE_CHANNELS = {name: 1 if name in ("digits", "mnist", "fashion_mnist") else 3 for name in NATIVE_SIZES}

MODEL_SIZES: dict[str, tuple[int, ...] | None] = {
    "mlp": None,  # any
    "dcgan": (8, 16, 28, 32, 64, 128),
    "article": (28,),
    "acgan": (8, 16, 28, 32, 64, 128),
    "sngan": (28, 32, 48, 64, 128),
    "sagan": (32, 64, 128, 256),
    "biggan": (32, 64, 128, 256),
    "r3gan": (8, 16, 32, 64, 128, 256),
    "stylegan2": (8, 16, 32, 64, 128, 256, 512, 1024),
}
"""The image sizes that each model can make."""


@dataclass(frozen=True)
class DataConfig:
    """Where the real images come from."""

    name: Literal[
        "digits", "mnist", "fashion_mnist", "stacked_mnist", "cifar10", "celeb_a", "imagenet32", "pictures"
    ] = "digits"
    """digits is scikit-learn's, stacked_mnist is made of mnist, pictures are your own (see path), the others come
    through tensorflow-datasets."""
    path: str | None = None
    """A folder or .zip of your own pictures, which then take the place of `name`. Sub-folders become classes."""
    data_dir: str | None = None
    """Where tensorflow-datasets keeps prepared data; by default ~/tensorflow_datasets."""
    download: bool = False
    """Download and prepare a named dataset that is not there yet (needs network, and TensorFlow once)."""
    size: int | None = None
    """Pixels on a side: images are resized to cover it and cropped in the middle. Default: as they are."""
    channels: Literal[1, 3] | None = None
    """1 for greyscale, 3 for RGB. Default: as the named dataset is; RGB for your own pictures."""
    on_bad: Literal["refuse", "skip"] = "refuse"
    """What to do about pictures that cannot be read: stop and name them, or leave them out and name them."""


@dataclass(frozen=True)
class NetworkConfig:
    """One network's size and its Adam optimizer."""

    width: int = 64
    """Channels of every stage (r3gan), hidden units (mlp), or, in all other models, channels beside the image, of which
    deeper layers have multiples."""
    learning_rate: float = 2e-4
    """Adam's step size."""
    beta1: float = 0.5
    """Adam's decay of the gradient's mean, in [0, 1)."""
    beta2: float = 0.999
    """Adam's decay of the gradient's square, in [0, 1)."""
    epsilon: float = 1e-8
    """Adam's guard against division by zero, above 0."""


@dataclass(frozen=True)
class AnnealConfig:
    """Where settings go, from their values elsewhere, by half a cosine over the images seen. Default: nowhere."""

    images: int | None = None
    """Real images seen by the discriminator until the ends are reached, and kept."""
    learning_rate: float | None = None
    """The step size of both networks at the end."""
    beta2: float | None = None
    """Adam's decay of the gradient's square at the end, in [0, 1), of both networks."""
    penalty: float | None = None
    """What r1, r2 and wgan_gp are multiplied with at the end (0.1: a tenth)."""
    augment_p: float | None = None
    """Probability of augmentations at the end."""
    half_life: float | None = None
    """The average's half-life at the end, in images, from 0; takes the place of average_decay."""


@dataclass(frozen=True)
class CadenceConfig:
    """How often things happen, in steps. Changing these does not change the run."""

    log: int = 10
    """Write a row of metrics.jsonl and check that all is finite."""
    sample: int = 200
    """Draw the grid of samples."""
    checkpoint: int = 500
    """Save the whole state."""
    keep: int = 2
    """How many checkpoints stay on disk."""


@dataclass(frozen=True)
class EvaluateConfig:
    """How a run is judged while it trains. Changing these does not change the run."""

    every: int | None = None
    """Steps between evaluations of the averaged weights, the last step included. Default: never."""
    samples: int = 5000
    """Images to draw for each evaluation; as many real ones at most are compared with them one by one."""
    features: Literal["classifier", "inception", "pixels"] | None = None
    """What images are compared in. Default: classifier (trained on the data) if the data have classes, else pixels."""
    weights: str | None = None
    """The Inception weights file. Default: where `gan-jax evaluate --download` puts it."""
    best: Literal["fid", "kid", "precision", "recall", "density", "coverage"] = "fid"
    """The score by which the best checkpoint is kept, beside the newest ones."""


@dataclass(frozen=True)
class Config:
    """A run of training: with the data, all that decides its result."""

    data: DataConfig = DataConfig()
    model: Literal["mlp", "dcgan", "article", "acgan", "sngan", "sagan", "biggan", "r3gan", "stylegan2"] = "dcgan"
    """mlp: Goodfellow et al. 2014. dcgan: Radford et al. 2015. article: the introduction's 5x5 pair, mended.
    acgan: Odena et al. 2017, beside DCGAN's generator.
    sngan: Miyato et al. 2018, sagan: Zhang et al. 2019, biggan: Brock et al. 2019, all three for --loss hinge.
    r3gan: Huang et al. 2024, for --loss relativistic with --r1 and --r2.
    stylegan2: Karras et al. 2020, for --r1; up to 32 pixels as in StyleGAN2-ADA's settings for CIFAR-10."""
    loss: Literal[
        "minimax",
        "non_saturating",
        "smoothed",
        "least_squares",
        "hinge",
        "wasserstein",
        "relativistic",
        "relativistic_average",
    ] = "non_saturating"
    """The adversarial loss; gan_jax/losses.py has the formula and the paper of each."""
    conditional: bool = False
    """Give both networks the labels."""
    latent_size: int = 128
    """Dimensions of the latent, standard normal."""
    generator: NetworkConfig = NetworkConfig()
    discriminator: NetworkConfig = NetworkConfig()
    discriminator_norm: Literal["batch", "none"] = "batch"
    """Batch normalisation in dcgan's discriminator, or none, as r1 and wgan_gp ask for."""
    discriminator_steps: int = 1
    """Updates of the discriminator for each one of the generator, on as many batches."""
    generator_batch: Literal["shared", "own"] = "shared"
    """Real images of the generator's update, for losses that compare: the discriminator's last ones, or its own."""
    r1: float = 0.0
    """Weight of the R1 gradient penalty; 0 leaves it out. Meant for discriminators without batch norm."""
    r2: float = 0.0
    """Weight of the same penalty on generated images; 0 leaves it out."""
    wgan_gp: float = 0.0
    """Weight of the WGAN-GP gradient penalty (10 in the paper); 0 leaves it out. Not for batch norm (dcgan) either."""
    lecam: float = 0.0
    """Weight of the LeCam penalty, for training on few images; 0 leaves it out."""
    path_length: float = 0.0
    """Weight of the generator's path length penalty (2 in StyleGAN2); 0 leaves it out."""
    lazy: int = 1
    """Take r1, r2, wgan_gp on one in so many images of each batch."""
    path_lazy: int | None = None
    """Take path lengths on one in so many latents of each batch (8 in StyleGAN2: half of the batch every fourth step).
    Default: as lazy."""
    augment: Literal["none", "diff_augment", "ada", "ada_cutout", "ada_full"] = "none"
    """Show the discriminator augmented images: diff_augment is colour, translation and cutout (Zhao et al. 2020), ada
    the pipeline that Karras et al. 2020 recommend, ada_full all of it, ada_cutout R3GAN's form of it."""
    augment_p: float = 0.0
    """Probability of each transformation of ada, in [0, 1]; its start, if it is adaptive or annealed."""
    ada_target: float | None = None
    """Adapt augment_p so that the mean sign of real logits stays here (0.6 in the paper). Default: no."""
    ada_kimg: float = 500.0
    """Thousands of images in which an adaptive augment_p can go from 0 to 1."""
    average_decay: float = 0.999
    """Decay of the generator's moving average, in [0, 1)."""
    half_life: float | None = None
    """Half-life of the generator's moving average in images, with its ramp-up; takes the place of average_decay."""
    average_width: float | None = None
    """Width of a power-function average (Karras et al. 2024) as a share of the run so far, such as 0.05; takes the
    place of average_decay."""
    anneal: AnnealConfig = AnnealConfig()
    precision: Literal["float32", "bfloat16"] = "float32"
    """What layers compute in; weights stay float32. bfloat16 is for r3gan's and stylegan2's from 8x8 pixels up, for all
    of dcgan's, acgan's, sngan's, sagan's and biggan's, and not for mlp and article."""
    batch_size: int = 64
    """Images in a batch, over all devices together."""
    steps: int = 2000
    """Updates of the generator, in the whole run."""
    seed: int = 0
    """Decides the first weights, the latents and the order of the data."""
    devices: int | None = None
    """How many local devices share the batch. Default: all."""
    every: CadenceConfig = CadenceConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    tensorboard: bool = False
    """Also write TensorBoard events (needs pip install tensorboardX)."""


def batches_per_step(config: Config) -> int:
    """Batches that one step of training takes."""
    return config.discriminator_steps + (config.generator_batch == "own")


def image_size(config: Config) -> int:
    """Pixels on a side of the images that the networks see."""
    return config.data.size or NATIVE_SIZES[config.data.name]


def image_channels(config: Config) -> int:
    """Channels of the images that the networks see."""
    return config.data.channels or (3 if config.data.path else NATIVE_CHANNELS[config.data.name])
