"""What a run begins with: the networks of another run, and what is said of them."""

from collections.abc import Iterator, Sequence

from gan_jax.config import Config
from gan_jax.config.build import frozen_layers
from gan_jax.config.schema import with_values
from gan_jax.errors import ConfigError, RunError
from gan_jax.gan import GANState
from gan_jax.run import cache
from gan_jax.run.named_arrays import to_arrays
from gan_jax.run.sampling import open_run
from gan_jax.transfer import NETWORKS, TakenOver, taken_over


def begin(config: Config, state: GANState, classes: int) -> tuple[Config, GANState, list[str]]:
    """The state with the networks of the run that a config names; the config with their SHA-256; and what to say.

    Of the state only shapes and dtypes matter where all fits. Raises ConfigError if the networks there are others than
    the config's, if none of them fits, or not all of a layer that is to be frozen; RunError if they cannot be read.
    """
    run = str(config.start.run)
    try:
        other = open_run(run)
    except (ConfigError, RunError) as error:
        raise type(error)(f"start.run: {error}") from None
    step = int(other.state.step)
    arrays = {name: array for name, array in to_arrays(other.state).items() if name.startswith(NETWORKS)}
    found = cache.sha256(arrays)
    if found != (config.start.sha256 or found):
        raise ConfigError(
            f"start.run: {run} holds other networks than those to begin with, now of its step {step}: their SHA-256 is "
            f"{found}, not {config.start.sha256}. Begin with these in another folder: --run FOLDER --from {run}"
        )
    state, report = taken_over(state, arrays)
    frozen = frozen_layers(config, classes)
    _check(config, report, frozen)
    began = f"began with the networks of {run}, step {step}"
    return with_values(config, {"start.sha256": found}), state, [*other.remarks, began, *_lines(report, frozen)]


def _check(config: Config, report: TakenOver, frozen: Sequence[str]) -> None:
    """Raises ConfigError where too little was taken over to be worth it: no kernel, or not all that is frozen."""
    if not any(len(shape) > 1 for shape in report.taken.values()):  # a bias may fit by chance
        reasons = "\n".join(f"  {name}: {why}" for name, why in list(report.fresh.items())[:5])
        raise ConfigError(
            f"start.run: nothing fits of the networks of {config.start.run}:\n{reasons}\nTo begin with its config, and "
            f"change what may be: gan-jax train {config.start.run} --run FOLDER --from {config.start.run}"
        )
    stay = tuple(f"discriminator.weights.params.{layer}." for layer in frozen)
    for name, why in report.fresh.items():
        if name.startswith(stay):
            raise ConfigError(
                f"start.freeze: {name} would stay as it was drawn at random, for it was not taken over ({why}); freeze "
                "fewer layers"
            )


def _lines(report: TakenOver, frozen: Sequence[str]) -> Iterator[str]:
    """What was taken over, and what is fresh, with the reason."""
    for network in ("generator", "discriminator", "average"):
        taken = [_short(name) for name in report.taken if name.startswith(f"{network}.")]
        fresh = {_short(name): why for name, why in report.fresh.items() if name.startswith(f"{network}.")}
        all_of_them = f"{len(taken)} of {len(taken) + len(fresh)} arrays taken over"
        yield f"  {network}: {all_of_them}{': ' if fresh and taken else ''}{', '.join(taken) if fresh else ''}"
        if network != "average":  # the same as of the generator
            yield from (f"    fresh: {name}, {why}" for name, why in fresh.items())
    if report.left:
        yield f"  of no use here: {', '.join(report.left)}"
    if frozen:
        yield f"  frozen in the discriminator: {', '.join(frozen)}"


def _short(name: str) -> str:
    """An array's name inside its network."""
    return name.split(".params.")[-1].split(".weights.")[-1]
