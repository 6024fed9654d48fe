"""What no machine can hold is refused before it is tried."""

import jax
import pytest

from gan_jax.config import Config, DataConfig
from gan_jax.config.build import load_data
from gan_jax.config.schema import with_values
from gan_jax.errors import ConfigError, DataError
from gan_jax.run.preview import preview
from gan_jax.run.room import require_room


@pytest.mark.parametrize(
    "values",
    [
        {"model": "mlp", "model.latent_size": 1_000_000_000},
        {"model.generator_width": 1_000_000_000},
        {"model": "r3gan", "data.size": 32, "model.discriminator_width": 768_000},
        {"batch_size": 2_000_000_000},
    ],
)
def test_impossible_sizes_are_refused_with_both_figures(values):
    config = with_values(Config(), values)
    said = []
    with pytest.raises(ConfigError, match=r"need [\d,.]+ .B of memory, [\d.]+ .B are free; choose narrower networks"):
        preview(config, said.append)
    assert not said  # of compiling


def test_a_devices_own_limit_counts():
    class Small:
        device_kind = "small"
        process_index = 0

        def memory_stats(self):
            return {"bytes_limit": 1_000_000}

    with pytest.raises(ConfigError, match=r"need [\d.]+ MB of a device's memory, small has 1\.0 MB"):
        require_room(Config(), [Small()])


def test_what_fits_passes():
    require_room(Config(), jax.local_devices())


def test_images_that_memory_cannot_hold_are_refused():
    with pytest.raises(DataError, match=r"digits: 1,797 images of 100000x100000 pixels need 1[78][\d.]* TB of memory"):
        load_data(Config(data=DataConfig(size=100_000)))
