"""The mnist recipe, told the labels in place of clusters: the digits that one asks for.

It ended at a classifier FID of 0.65 and a label accuracy of 96 % (2026-11-24, one seed): clean digits.
"""

from gan_jax.config import Config, recipes
from gan_jax.config.schema import with_values


def get_config() -> Config:
    """The same as mnist, but for ten planes of labels beside the image, and 10,000 steps."""
    labels = {"conditional": True, "data.clusters": None, "model.told": "planes"}
    return with_values(recipes.load("mnist"), labels | {"steps": 10_000, "anneal.images": 640_000})
