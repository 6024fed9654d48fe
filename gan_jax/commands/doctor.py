"""gan-jax doctor: what a bug report should say of the machine."""

from dataclasses import dataclass
from pathlib import Path

from gan_jax import screen
from gan_jax.commands.reading import read
from gan_jax.config import recipes
from gan_jax.config.options import check_options
from gan_jax.errors import GanJaxError


@dataclass(frozen=True)
class Doctor:
    """Looks at versions, devices and their speed, data, caches and disk, and says what is known to be wrong.

    It writes nothing, and its text, in which the home folder is ~, goes into a bug report as it is. Where something is
    wrong the exit code is 1.
    """

    data_dir: Path | None = None
    """Where tensorflow-datasets keeps prepared data. Default: ~/tensorflow_datasets."""


def main(arguments: list[str]) -> None:
    """Prints what is found, as it is found, and at the end what is wrong, for which it raises GanJaxError."""
    check_options(arguments, ["data_dir"], Doctor())
    options = read(Doctor, arguments, "gan-jax doctor")

    from gan_jax.run.doctor import examine

    wrong: list[str] = []
    for finding in examine(options.data_dir and recipes.expand(options.data_dir)):
        for i, line in enumerate(finding.there):
            screen.tell(f"{finding.about if i == 0 else '':10} {line}")
        wrong += finding.wrong
    screen.tell("")
    if not wrong:
        screen.tell("nothing known to be wrong")
        return
    screen.tell("\n".join(["wrong", *(f"  - {line}" for line in wrong)]))
    raise GanJaxError("1 thing is wrong, above" if len(wrong) == 1 else f"{len(wrong)} things are wrong, above")
