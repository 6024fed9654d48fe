import pytest

from gan_jax.config import Config, DataConfig
from gan_jax.sizes import sides


@pytest.mark.parametrize(
    ("data", "size", "channels"),
    [
        (DataConfig(), 8, 1),
        (DataConfig(name="cifar10"), 32, 3),
        (DataConfig(name="cifar10", size=16, channels=1), 16, 1),
        (DataConfig(path="/pictures", size=64), 64, 3),
        (DataConfig(path="/pictures", size=64, channels=1), 64, 1),
        (DataConfig(path="/pictures", size="48x64"), (48, 64), 3),
    ],
)
def test_size_and_channels_are_the_datas_own_unless_set(data, size, channels):
    assert (data.image_size, data.image_channels) == (sides(size), channels)


def test_a_step_takes_a_batch_for_each_update_that_has_its_own():
    assert Config().batches_per_step == 1
    assert Config(discriminator_steps=5).batches_per_step == 5
    assert Config(discriminator_steps=5, generator_batch="own").batches_per_step == 6
