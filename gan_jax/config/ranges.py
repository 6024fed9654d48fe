"""The numbers that a setting takes, written where it stands: `steps: Count = 2000`."""

from dataclasses import dataclass
from typing import Annotated, Any

from gan_jax.sizes import read, shown, sides

INFINITE = 1e30
"""Beyond it float32 is infinite, or nearly."""


def _in_help(text: str) -> Any:
    """What `--help` reads; None where configs are read without the command line's package."""
    try:
        from tyro.conf import arg
    except ImportError:
        return None
    return arg(metavar=text)


@dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`; an open end is not one of them."""

    number: str  # "whole" or "finite"
    span: str  # how a person says it
    low: float
    high: float = INFINITE
    open_low: bool = False
    open_high: bool = False

    def complain(self, value: float) -> str | None:
        """What was expected in place of a value; None if it is in here."""
        below = value <= self.low if self.open_low else value < self.low
        above = value >= self.high if self.open_high else value > self.high
        if above and self.span.startswith("from") and self.high < INFINITE:
            return f"expected {self.high:,} at most, got {value}"
        # Not a number is neither below nor above.
        return f"expected a {self.number} number {self.span}, got {value}" if below or above or value != value else None

    @property
    def shown(self) -> Any:
        """How `--help` shows it."""
        return _in_help(f"{'INT' if self.number == 'whole' else 'FLOAT'} {self.span}")


COUNT = Range("whole", "from 1", 1, 2**31 - 1)  # steps are counted in 32 bits
FEW = Range("whole", "from 1", 1, 100)  # each is compiled anew
INDEX = Range("whole", "from 0", 0, 2**31 - 1)
STEPS = Range("whole", "from 2", 2, 10**6)
MANY = Range("whole", "from 1", 1, 10**15)
CHARACTERS = Range("whole", "in [2, 256]", 2, 256)  # numbered by bytes
CLASSES = Range("whole", "in [2, 255]", 2, 255)  # bytes of masks, but for that of no class
CHANNELS = Range("whole", "in [1, 16]", 1, 16)
SAMPLES = Range("whole", "from 20", 20, 10**9)
SEED = Range("whole", "in [0, 2**32)", 0, 2**32, open_high=True)
WEIGHT = Range("finite", "from 0", 0)
POSITIVE = Range("finite", "above 0", 1.2e-38)  # below it float32 has 0, or nearly
SHARE = Range("finite", "in [0, 1]", 0, 1)
DECAY = Range("finite", "in [0, 1)", 0, 1, open_high=True)
SIGN = Range("finite", "in (-1, 1)", -1, 1, open_low=True, open_high=True)
WIDTH = Range("finite", "in [0.001, 0.2886]", 0.001, 0.2886)
PORT = Range("whole", "in [0, 65535]", 0, 65535)


@dataclass(frozen=True)
class Pixels:
    """Sizes of images: a whole number for squares, else a text of height x width."""

    def complain(self, value: int | str) -> str | None:
        """As in `Range`."""
        if (size := read(value)) is None:
            return f"expected pixels on a side, such as 64, or height x width, such as 48x64, got {value!r}"
        if str(value) != shown(size):
            return f"expected {shown(size)} for images of that size, got {value!r}"
        return next((complaint for side in sides(size) if (complaint := COUNT.complain(side))), None)

    @property
    def shown(self) -> Any:
        """How `--help` shows it."""
        return _in_help("INT|HxW")


PIXELS = Pixels()


@dataclass(frozen=True)
class Numbers:
    """How many numbers a teacher says of an image: a whole number, or a text of how many times how many."""

    def complain(self, value: int | str) -> str | None:
        """As in `Range`."""
        if (shape := read(value)) is None:
            return f"expected numbers of each image, such as 768, or places x numbers, such as 257x768, got {value!r}"
        return next((complaint for side in sides(shape) if (complaint := COUNT.complain(side))), None)

    @property
    def shown(self) -> Any:
        """How `--help` shows it."""
        return _in_help("INT|NxF")


NUMBERS = Numbers()


@dataclass(frozen=True)
class Some:
    """Texts of some of these names, with commas between."""

    names: tuple[str, ...]

    def complain(self, value: str) -> str | None:
        """As in `Range`."""
        given = value.split(",")
        if set(given) <= set(self.names) and len(given) == len(set(given)):
            return None
        return f"expected one or more of {', '.join(self.names)}, with commas and no spaces between, got {value!r}"

    @property
    def shown(self) -> Any:
        """How `--help` shows it."""
        return _in_help(f"{'|'.join(self.names)}|{','.join(self.names)}")


TRACKERS = Some(("tensorboard", "wandb"))

FewSteps = Annotated[int, FEW, FEW.shown]
Count = Annotated[int, COUNT, COUNT.shown]
OptionalCount = Annotated[int | None, COUNT, COUNT.shown]
Classes = Annotated[int, CLASSES, CLASSES.shown]
Characters = Annotated[int, CHARACTERS, CHARACTERS.shown]
Index = Annotated[int, INDEX, INDEX.shown]
OptionalIndex = Annotated[int | None, INDEX, INDEX.shown]
Channels = Annotated[int, CHANNELS, CHANNELS.shown]
OptionalChannels = Annotated[int | None, CHANNELS, CHANNELS.shown]
OptionalSize = Annotated[int | str | None, PIXELS, PIXELS.shown]
OptionalFeatures = Annotated[int | str | None, NUMBERS, NUMBERS.shown]
OptionalSteps = Annotated[int | None, STEPS, STEPS.shown]
OptionalMany = Annotated[int | None, MANY, MANY.shown]
Samples = Annotated[int, SAMPLES, SAMPLES.shown]
OptionalSamples = Annotated[int | None, SAMPLES, SAMPLES.shown]
Seed = Annotated[int, SEED, SEED.shown]
OptionalSeed = Annotated[int | None, SEED, SEED.shown]
Weight = Annotated[float, WEIGHT, WEIGHT.shown]
OptionalWeight = Annotated[float | None, WEIGHT, WEIGHT.shown]
Positive = Annotated[float, POSITIVE, POSITIVE.shown]
OptionalPositive = Annotated[float | None, POSITIVE, POSITIVE.shown]
OptionalTrackers = Annotated[str | None, TRACKERS, TRACKERS.shown]
Share = Annotated[float, SHARE, SHARE.shown]
OptionalShare = Annotated[float | None, SHARE, SHARE.shown]
Decay = Annotated[float, DECAY, DECAY.shown]
OptionalDecay = Annotated[float | None, DECAY, DECAY.shown]
OptionalSign = Annotated[float | None, SIGN, SIGN.shown]
OptionalWidth = Annotated[float | None, WIDTH, WIDTH.shown]
Port = Annotated[int, PORT, PORT.shown]
