import pytest

from gan_jax.config import Config, DataConfig, batches_per_step, image_channels, image_size


@pytest.mark.parametrize(
    ("data", "size", "channels"),
    [
        (DataConfig(), 8, 1),
        (DataConfig(name="cifar10"), 32, 3),
        (DataConfig(name="cifar10", size=16, channels=1), 16, 1),
        (DataConfig(path="/pictures", size=64), 64, 3),
        (DataConfig(path="/pictures", size=64, channels=1), 64, 1),
    ],
)
def test_size_and_channels_are_the_datas_own_unless_set(data, size, channels):
    assert (image_size(Config(data=data)), image_channels(Config(data=data))) == (size, channels)


def test_a_step_takes_a_batch_for_each_update_that_has_its_own():
    assert batches_per_step(Config()) == 1
    assert batches_per_step(Config(discriminator_steps=5)) == 5
    assert batches_per_step(Config(discriminator_steps=5, generator_batch="own")) == 6
