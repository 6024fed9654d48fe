"""Samples whose styles are drawn to or from their means."""

from dataclasses import replace

import pytest

from gan_jax.config import GAT, Config, StyleGAN2
from gan_jax.errors import ConfigError
from gan_jax.run.sampling import styled

SMALL = Config(model=GAT(generator_width=8, discriminator_width=8, depth=4, heads=2), conditional=True)


def test_the_generator_has_them_as_fields_whatever_spares_memory():
    sparing = replace(SMALL, remat=True, accumulate=2)
    generator = styled(sparing, 3, {"truncation": 0.7, "guidance": 1.5}).generator
    assert (generator.truncation, generator.guidance) == (0.7, 1.5)
    assert styled(Config(model=StyleGAN2()), 0, {"truncation": 0.5}).generator.truncation == 0.5


def test_a_model_without_them_is_named():
    with pytest.raises(ConfigError, match="truncation: model dcgan has no styles to move so; drop --truncation"):
        styled(Config(), 0, {"truncation": 0.7})
    with pytest.raises(ConfigError, match="guidance: model stylegan2 has no styles"):
        styled(Config(model=StyleGAN2()), 0, {"guidance": 2.0})
    with pytest.raises(ConfigError, match="guidance: is away from the mean over labels, and this run is told none"):
        styled(replace(SMALL, conditional=False), 0, {"guidance": 2.0})
