"""Steps by jit and by pmap, as a run chooses them."""

import pytest

from gan_jax.config import Config, PenaltyConfig
from gan_jax.errors import ConfigError
from gan_jax.run.loop import choose_devices


def test_a_lazy_penalty_has_to_divide_what_pmap_shows_a_device():
    config = Config(batch_size=64, devices=2, penalty=PenaltyConfig(r1=1.0, lazy=64))
    assert len(choose_devices(config)) == 2
    with pytest.raises(ConfigError, match=r"penalty\.lazy: .* pmap shows a device 32 images, jit the whole of it"):
        choose_devices(Config(batch_size=64, devices=2, parallel="pmap", penalty=config.penalty))
