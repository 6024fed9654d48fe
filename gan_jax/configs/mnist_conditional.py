"""The mnist recipe, told the labels: the digits that one asks for."""

import dataclasses

from gan_jax import recipes
from gan_jax.config import Config


def get_config() -> Config:
    """As mnist in all else."""
    return dataclasses.replace(recipes.load("mnist"), conditional=True)
