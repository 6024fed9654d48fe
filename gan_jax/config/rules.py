"""The rules of the game beside the loss: penalties, augmentation, averaging, and where they go as training goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gan_jax.config.ranges import (
    Count,
    Decay,
    OptionalCount,
    OptionalDecay,
    OptionalMany,
    OptionalPositive,
    OptionalShare,
    OptionalSign,
    OptionalWeight,
    OptionalWidth,
    Positive,
    Share,
    Weight,
)

if TYPE_CHECKING:
    from gan_jax.augment import Augment
    from gan_jax.averaging import Averaging
    from gan_jax.latent_penalties import LatentPenalty
    from gan_jax.penalties import Mean, Penalty
    from gan_jax.rules import Adaptive
    from gan_jax.schedules import Schedule


@dataclass(frozen=True)
class AnnealConfig:
    """Where settings go, from their values elsewhere, by half a cosine over the images seen. Default: nowhere."""

    images: OptionalMany = None
    """Real images seen by the discriminator until the ends are reached, and kept."""
    learning_rate: OptionalPositive = None
    """The step size of both networks at the end."""
    beta2: OptionalDecay = None
    """Adam's decay of the gradient's square at the end, of both networks."""
    penalty: OptionalWeight = None
    """What r1, r2 and wgan_gp are multiplied with at the end (0.1: a tenth)."""
    augment_p: OptionalShare = None
    """Probability of augmentations at the end."""
    half_life: OptionalPositive = None
    """The average's half-life at the end, in images, from 0; takes the place of average.decay."""

    def schedule(self, start: float, end: float | None, images: int) -> float | Schedule:
        """The setting that starts here: itself, or its schedule where steps of so many images bring it to an end."""
        if end is None or self.images is None:
            return start
        from gan_jax.schedules import cosine

        return cosine(start, end, self.images, images)

    def wrong(self) -> list[str]:
        """What does not go together in here."""
        ends = [name for name, end in vars(self).items() if name != "images" and end is not None]
        if ends and self.images is None:
            return [f"anneal.images: expected the images until anneal.{ends[0]} is reached, got nothing"]
        if self.images is not None and not ends:
            return ["anneal.images: there is nothing to anneal; give an end such as --anneal.learning-rate 5e-5"]
        return []


@dataclass(frozen=True)
class PenaltyConfig:
    """What is added to the losses; 0 leaves it out."""

    r1: Weight = 0.0
    """Weight of the R1 gradient penalty. Meant for discriminators without batch norm."""
    r2: Weight = 0.0
    """Weight of the same penalty on generated images."""
    by_difference: bool = False
    """Take r1 and r2 by one small step in a random direction each: rougher, but without a second backward pass."""
    wgan_gp: Weight = 0.0
    """Weight of the WGAN-GP gradient penalty (10 in the paper). Not for batch norm (dcgan) either."""
    lecam: Weight = 0.0
    """Weight of the LeCam penalty, for training on few images."""
    path_length: Weight = 0.0
    """Weight of the generator's path length penalty (2 in StyleGAN2)."""
    lazy: Count = 1
    """Take r1, r2, wgan_gp on one in so many images of each batch."""
    path_lazy: OptionalCount = None
    """Take path lengths on one in so many latents of each batch (8 in StyleGAN2: half of the batch every fourth step).
    Default: as lazy."""

    @property
    def has_slopes(self) -> bool:
        """Whether there are penalties that are lazy and annealed."""
        return bool(self.r1 or self.r2 or self.wgan_gp)

    def images_seen(self, batch_size: int) -> int:
        """Images of each batch that the discriminator's penalties see."""
        return batch_size // self.lazy if self.has_slopes and not batch_size % self.lazy else batch_size

    def of_images(self, anneal: AnnealConfig, images: int, mean: Mean) -> Penalty | Adaptive:
        """The sum of those whose weight is not zero, annealed by steps of so many images, and lazy."""
        from gan_jax import penalties
        from gan_jax.rules import scheduled

        r1, r2 = penalties.r1, penalties.r2
        if self.by_difference:
            r1, r2 = penalties.r1_by_difference, penalties.r2_by_difference
        slopes = {r1: self.r1, r2: self.r2, penalties.wgan_gp: self.wgan_gp}

        def at(factor: Any) -> Penalty | Adaptive:
            terms = [make(weight * factor) for make, weight in slopes.items() if weight]
            return penalties.total(*terms) if len(terms) > 1 else terms[0] if terms else penalties.none

        factor = anneal.schedule(1.0, anneal.penalty, images)
        rule = scheduled(lambda step: at(factor(step))) if callable(factor) else at(factor)
        rule = penalties.lazy(rule, self.lazy) if self.lazy > 1 and self.has_slopes else rule
        return penalties.total(rule, penalties.lecam(self.lecam, mean=mean)) if self.lecam else rule

    def of_latents(self, mean: Mean) -> LatentPenalty | Adaptive:
        """The path length penalty, lazy; or none."""
        from gan_jax import latent_penalties

        if not self.path_length:
            return latent_penalties.none
        return latent_penalties.lazy(
            latent_penalties.path_length(self.path_length, mean=mean), self.path_lazy or self.lazy
        )

    def wrong(self, batch_size: int) -> list[str]:
        """What does not go together in here."""
        return [
            f"penalty.{key}: expected a divisor of the batch size {batch_size}, got {every}"
            for key, every in (("lazy", self.lazy), ("path_lazy", self.path_lazy))
            if every and batch_size % every
        ]

    def idle(self) -> list[str]:
        """What is asked for in here and does nothing."""
        found = []
        if self.lazy > 1 and not self.has_slopes and (self.path_lazy or not self.path_length):
            found.append(
                "penalty.lazy: there is no penalty to take of fewer images; add one such as --penalty.r1 1, or "
                "--penalty.lazy 1"
            )
        if self.by_difference and not (self.r1 or self.r2):
            found.append(
                "penalty.by_difference: is for r1 and r2; add --penalty.r1 0.1, or drop --penalty.by-difference"
            )
        if self.path_lazy is not None and not self.path_length:
            found.append(
                "penalty.path_lazy: there are no path lengths to take of fewer latents; add --penalty.path-length 2"
            )
        return found


@dataclass(frozen=True)
class AugmentConfig:
    """What the discriminator sees of images."""

    name: Literal["none", "diff_augment", "ada", "ada_cutout", "ada_full", "levels", "levels_diff_augment"] = "none"
    """Show the discriminator augmented images: diff_augment is colour, translation and cutout (Zhao et al. 2020), ada
    the pipeline that Karras et al. 2020 recommend, ada_full all of it, ada_cutout R3GAN's form of it; levels are those
    of --model gat, each behind its own noise (Hyun et al. 2026), with diff_augment for some images, or without."""
    p: Share = 0.0
    """Probability of each transformation of ada; its start, if it is adaptive or annealed."""
    target: OptionalSign = None
    """Adapt p so that the mean sign of real logits stays here (0.6 in the paper). Default: no."""
    kimg: Positive = 500.0
    """Thousands of images in which an adaptive p can go from 0 to 1."""

    @property
    def of_levels(self) -> bool:
        """Whether it is one of those for images at several levels."""
        return self.name.startswith("levels")

    @property
    def has_p(self) -> bool:
        """Whether it is one of those that have a probability."""
        return self.name.startswith("ada")

    def build(self, anneal: AnnealConfig, batch_size: int, images: int) -> Augment | Adaptive:
        """The augmentation, whose p is fixed, adapts, or goes where `anneal` says by steps of so many images."""
        from gan_jax.augment import ada, as_it_is, diffaugment, levels
        from gan_jax.rules import scheduled

        if self.name == "none":
            return as_it_is
        if self.name == "levels":
            return levels.noisy_levels()
        if self.name == "levels_diff_augment":
            return levels.noisy_levels(augment=levels.strong)
        if self.name == "diff_augment":
            return diffaugment.diff_augment(diffaugment.colour, diffaugment.translation, diffaugment.cutout)
        pipeline: Callable[..., Any] = {"ada": ada.ada, "ada_cutout": ada.with_cutout, "ada_full": ada.full}[self.name]
        if self.target is not None:
            return ada.adaptive(batch_size, target=self.target, kimg=self.kimg, start=self.p, pipeline=pipeline)
        with_p = lambda p: lambda key, images: pipeline(key, images, p)
        p = anneal.schedule(self.p, anneal.augment_p, images)
        return scheduled(lambda step: with_p(p(step))) if callable(p) else with_p(p)

    def wrong(self, anneal: AnnealConfig) -> list[str]:
        """What does not go together in here, or with where p goes."""
        found = []
        if not self.has_p:
            keys = {"augment.p": self.p or None, "augment.target": self.target, "anneal.augment_p": anneal.augment_p}
            given = [key for key, value in keys.items() if value is not None]
            found += [f"{key}: is for --augment ada, ada_cutout or ada_full, not {self.name}" for key in given]
        if self.target is not None and anneal.augment_p is not None:
            found.append("augment.target: augment.p can adapt or be annealed, not both; drop one of the two")
        return found

    def idle(self, anneal: AnnealConfig) -> list[str]:
        """What is asked for in here and does nothing."""
        found = []
        if self.has_p and not self.p and self.target is None and not anneal.augment_p:
            found.append(
                f"augment.p: {self.name} with a probability of 0 does nothing; add --augment.p 0.5, --augment.target "
                "0.6 or --anneal.augment-p 0.5, or take --augment none"
            )
        if self.kimg != AugmentConfig.kimg and self.target is None:
            found.append(
                f"augment.kimg: is for a p that adapts; add --augment.target, or --augment.kimg {AugmentConfig.kimg:g}"
            )
        return found


@dataclass(frozen=True)
class AverageConfig:
    """The moving average of the generator's weights, from which one samples."""

    decay: Decay = 0.999
    """Share of the average that each step keeps."""
    half_life: OptionalPositive = None
    """Half-life in images, with its ramp-up; takes the place of decay."""
    width: OptionalWidth = None
    """Width of a power-function average (Karras et al. 2024) as a share of the run so far, such as 0.05; takes the
    place of decay."""

    def build(self, anneal: AnnealConfig, images: int) -> Averaging:
        """The average over steps of so many images."""
        from gan_jax import averaging

        if anneal.half_life is not None:
            return averaging.half_life(anneal.schedule(0.0, anneal.half_life, images), images, ramp=None)
        if self.half_life is not None:
            return averaging.half_life(self.half_life, images)
        if self.width is not None:
            return averaging.power(averaging.exponent_of(self.width))
        return averaging.ema(self.decay)

    def wrong(self, anneal: AnnealConfig) -> list[str]:
        """What does not go together in here, or with where the half-life goes."""
        found = []
        if anneal.half_life is not None and self.half_life is not None:
            found.append("average.half_life: an annealed half-life starts from 0; drop --average.half-life")
        if self.width is not None and (self.half_life is not None or anneal.half_life is not None):
            found.append("average.width: an average has a width or a half-life; drop one of the two")
        return found
