"""The mnist recipe, told the labels: the digits that one asks for.

It ended at a classifier FID of 0.65 and a label accuracy of 96 % (2026-11-24, one seed): clean digits.
"""

import dataclasses

from gan_jax.config import Config, recipes


def get_config() -> Config:
    """The same as mnist in all else."""
    return dataclasses.replace(recipes.load("mnist"), conditional=True)
