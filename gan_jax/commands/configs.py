"""gan-jax configs: the recipes that come with the package."""

from gan_jax import screen
from gan_jax.config import recipes
from gan_jax.errors import ConfigError


def main(arguments: list[str]) -> None:
    """Prints a line for each recipe."""
    if arguments in (["-h"], ["--help"]):
        screen.tell("usage: gan-jax configs\n\nPrints a line for each recipe that comes with the package.")
        return
    if arguments:
        raise ConfigError(f"configs takes no arguments, got {' '.join(arguments)}")
    found = recipes.names()
    widest = max(map(len, found))
    for name, line in found.items():
        screen.tell(f"{name:{widest}}  {line}")
