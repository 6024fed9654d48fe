"""Samples whose styles are drawn to or from their means."""

from dataclasses import replace

import numpy as np
import pytest
from runs import assert_same_runs

from gan_jax.config import GAT, AugmentConfig, CadenceConfig, Config, PenaltyConfig, StyleGAN2
from gan_jax.errors import ConfigError
from gan_jax.run.loop import train
from gan_jax.run.sampling import draw_from, of_run, styled

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


@pytest.mark.slow
def test_a_gat_in_two_parts_is_the_run_in_one_and_draws_styles_to_their_means(tmp_path):
    config = replace(
        SMALL,
        model=replace(SMALL.model, patch=4),
        steps=4,
        batch_size=8,
        loss="relativistic",
        penalty=PenaltyConfig(r1=0.1, r2=0.1, by_difference=True),
        augment=AugmentConfig("levels"),
        every=CadenceConfig(log=1, sample=4, checkpoint=2),
    )
    train(config, tmp_path / "whole")
    for steps in (2, 4):
        train(replace(config, steps=steps), tmp_path / "parts")
    assert_same_runs(tmp_path / "parts", tmp_path / "whole", config)

    def drawn(truncation):
        out, fields = tmp_path / f"{truncation}.npz", {"truncation": truncation}
        common = {"count": 20, "seed": 0, "labels": None, "interpolate": None}
        draw_from(of_run(str(tmp_path / "whole"), averaged=True, best=False), out=out, styles=fields, **common)
        return np.load(out)["images"]

    assert np.any(drawn(1.0) != drawn(0.5))
    alone = drawn(0.0)  # the mean of each label, whatever the latent
    np.testing.assert_array_equal(alone[:10], alone[10:])
    assert len(np.unique(alone, axis=0)) > 1
