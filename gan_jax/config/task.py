"""What a GAN is for: what is to be made of something given, or learnt of few labels, and what is asked beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from gan_jax.config.data import WITH_TEST_IMAGES
from gan_jax.config.ranges import Count, FewSteps, Share, Weight
from gan_jax.sizes import shown

if TYPE_CHECKING:
    from gan_jax.config.data import DataConfig
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task


@dataclass(frozen=True)
class TaskConfig:
    """What a GAN is for beside samples: mostly, to make something of what it is given."""

    name: Literal[
        "none",
        "super_resolution",
        "inpainting",
        "colouring",
        "from_edges",
        "pairs",
        "unpaired",
        "restyled",
        "few_labels",
    ] = "none"
    """Give the generator a smaller image, one with a hole, a grey one, or its edges, and have it make the image; or, of
    your own pairs, the left one: pictures side by side, or of the same name in two folders, A and B. unpaired: pictures
    in two folders that need not match, and each generator makes one of the other's kind; restyled: the same of one half
    of any images, drawn as outlines, and the other half. few_labels gives nothing, and makes a classifier of the
    discriminator."""
    factor: FewSteps = 4
    """How many times larger super_resolution makes an image."""
    holes: Literal["strokes", "boxes"] = "strokes"
    """What inpainting misses: brush strokes, or one box."""
    reverse: bool = False
    """Of pairs: give the right one, and have the left one made. Of two domains, between which both ways are learnt:
    judge, show and apply the way from B to A, or from images to outlines."""
    l1: Weight = 0.0
    """Weight of the mean distance to the true image, beside the adversarial loss (pix2pix: 100)."""
    agreement: Weight = 0.0
    """Of super_resolution: weight of the mean distance of what was made, made smaller again, to what was given."""
    labels: Count = 100
    """Of few_labels: images whose label is shown, as many of each class; the seed decides which."""
    cycle: Weight = 10.0
    """Of two domains: weight of the mean distance of what is made, and made back again, to what was given."""
    identity: Weight = 5.0
    """Of two domains: weight of the mean distance of what is made of an image that is in the domain already to it."""
    test: Share = 0.1
    """Share of the images that is held out, and that scores and pictures are of; 0: the test images that come with the
    named data, and none of the others."""

    @property
    def given(self) -> bool:
        """Whether something is given."""
        return self.name not in ("none", "few_labels")

    @property
    def classifies(self) -> bool:
        """Whether the discriminator becomes a classifier, told the labels of few images."""
        return self.name == "few_labels"

    @property
    def between_domains(self) -> bool:
        """Whether it is from each of two domains to the other."""
        return self.name in ("unpaired", "restyled")

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the generator beside the game."""
        return bool(self.l1 or self.agreement or (self.between_domains and (self.cycle or self.identity)))

    def build(self) -> Task:
        """The task. Only where something is given."""
        from gan_jax.tasks import degradations
        from gan_jax.tasks.domains import restyled, unpaired
        from gan_jax.tasks.inpainting import Hole, inpainting
        from gan_jax.tasks.super_resolution import super_resolution
        from gan_jax.tasks.translation import colouring, from_edges, pairs

        holes: dict[str, Hole] = {"strokes": degradations.free_form_hole, "boxes": degradations.box_hole}
        tasks = {
            "super_resolution": lambda: super_resolution(self.factor),
            "inpainting": lambda: inpainting(holes[self.holes]),
            "colouring": colouring,
            "from_edges": from_edges,
            "pairs": lambda: pairs(reverse=self.reverse),
            "unpaired": lambda: unpaired(reverse=self.reverse),
            "restyled": lambda: restyled(degradations.outlines, reverse=self.reverse),
        }
        return tasks[self.name]()

    def supervision(self) -> Supervision:
        """What is asked of the generator beside the game."""
        from gan_jax import supervision
        from gan_jax.tasks.super_resolution import agreement

        terms = [supervision.l1(self.l1)] if self.l1 else []
        terms += [agreement(self.agreement, self.factor)] if self.agreement else []
        if self.between_domains:
            terms += [supervision.cycle(self.cycle)] if self.cycle else []
            terms += [supervision.identity(self.identity)] if self.identity else []
        return supervision.total(*terms) if terms else supervision.none

    def wrong(self, data: DataConfig) -> list[str]:
        """What does not go together in here, or with the data."""
        found = []
        if not self.given:
            asked = [key for key in ("l1", "agreement") if getattr(self, key)]
            found = [f"task.{key}: is for a task that gives something, such as --task inpainting" for key in asked]
            return found + self._wrong_test(data) * self.classifies
        if data.floats:
            found.append("task.name: tasks are of pictures, not of floats; drop --data.deviation")
        if self.name == "super_resolution":
            if self.factor < 2 or any(side % self.factor for side in data.image_size):
                found.append(f"task.factor: {self.factor} does not make {shown(data.image_size)} pixels smaller evenly")
        elif self.agreement:
            found.append(f"task.agreement: is for --task super_resolution, not {self.name}")
        if self.name == "colouring" and data.image_channels != 3:
            found.append("task.name: colouring makes colours of grey, and these data have none; add --data.channels 3")
        if self.name == "pairs":
            found += ["data.path: pairs are your own; name their folder or .zip with --data.path"] * (not data.own)
            found += ["data.path: pairs are pictures, not arrays; name a folder or .zip of them"] * data.arrays
            skips = data.on_bad == "skip"
            found += ["data.on_bad: a pair of which one is bad is refused; drop --data.on-bad skip"] * skips
            found += ["data.flip: mirrored, left and right change places; drop --data.flip"] * data.flip
        if self.between_domains and self.l1:
            found.append(f"task.l1: of {self.name} images no step knows what is to be made; drop --task.l1")
        if self.name == "unpaired":
            found += ["data.path: two domains are your own pictures; name their folder or .zip"] * (not data.own)
            found += ["data.path: two domains are pictures, not arrays; name a folder or .zip of them"] * data.arrays
        return found + self._wrong_test(data)

    def _wrong_test(self, data: DataConfig) -> list[str]:
        if not self.test and self.between_domains:
            return [f"task.test: of {self.name} images some are held out; add --task.test 0.1"]
        if not self.test and (data.path or data.name not in WITH_TEST_IMAGES):
            which = ", ".join(WITH_TEST_IMAGES)
            return [f"task.test: 0 is of data with test images of their own, {which}; hold some out, --task.test 0.1"]
        return [f"task.test: expected a share below 1, got {self.test:g}"] * (self.test == 1)

    def idle(self) -> list[str]:
        """What is asked for in here and does nothing."""
        changed = {f.name for f in fields(self) if getattr(self, f.name) != f.default}
        domains = ("unpaired", "restyled")
        of = {"factor": ["super_resolution"], "holes": ["inpainting"], "reverse": ["pairs", *domains]}
        of["labels"] = ["few_labels"]
        of |= {key: [*domains] for key in ("cycle", "identity")}
        found = [
            f"task.{key}: is for --task {' or '.join(tasks)}"
            for key, tasks in of.items()
            if key in changed and self.name not in tasks
        ]
        return found + ["task.test: is for a task; add --task inpainting, or another"] * (
            "test" in changed and self.name == "none"
        )
