import hashlib
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from gan_jax.config import Config, DataConfig
from gan_jax.data import digits
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError, Stopped
from gan_jax.metrics import classifier
from gan_jax.run import features

CONFIG = Config()


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(kind, data, **options):
    said = []
    options = {"weights": None, "download": False, "say": said.append} | options
    return features.make(kind, options.pop("config", CONFIG), data, **options), said


@pytest.fixture
def briefly(monkeypatch):
    """Classifiers learn for so many steps."""
    train = classifier.train
    return lambda steps: monkeypatch.setattr(classifier, "train", partial(train, steps=steps))


def unlabelled():
    return Dataset("mine", np.zeros((30, 8, 8, 3), np.uint8))


def test_a_classifier_is_trained_once_and_then_found(briefly, monkeypatch):
    briefly(30)
    data = digits.load()
    few = Dataset("digits", data.images[:300], data.labels[:300], data.classes)
    trained, said = make(None, few)
    assert "held-out accuracy" in said[-1]
    monkeypatch.setattr(classifier, "train", lambda *_, **__: pytest.fail("trained again"))
    found, said = make("classifier", few)
    assert not said
    assert found.fingerprint == trained.fingerprint
    assert found.about == trained.about
    images = data.images[:5]
    np.testing.assert_array_equal(
        found.extract(found.params, images).values, trained.extract(trained.params, images).values
    )


def test_a_signal_stops_the_classifier_at_once_and_keeps_nothing_half_trained(monkeypatch, cache_folder):
    monkeypatch.setattr(features.signals, "wished", lambda: 15)
    with pytest.raises(Stopped, match="stopped at step 0 of the classifier") as stopped:
        make(None, digits.load())
    assert stopped.value.exit_code == 143
    assert not list(cache_folder.rglob("*.npz"))


def test_training_a_classifier_says_a_line_every_ten_seconds(monkeypatch):
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(features, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    said = []

    def train(images, labels, classes, *, tell):
        for done in range(0, 200, 20):
            tell(done, 200)
        raise KeyboardInterrupt

    monkeypatch.setattr(classifier, "train", train)
    with pytest.raises(KeyboardInterrupt):
        make(None, digits.load(), say=said.append)
    assert said[1:] == [
        "  step 40/200 of the classifier  0:00:48 left",
        "  step 100/200 of the classifier  0:00:24 left",
        "  step 160/200 of the classifier  0:00:09 left",
    ]


def test_without_classes_pixels_are_compared():
    assert make(None, unlabelled())[0].name == "pixels"


def test_a_classifier_needs_classes():
    with pytest.raises(ConfigError, match=r"features: mine has no classes .* choose pixels or inception"):
        make("classifier", unlabelled())


def test_a_classifier_needs_more_than_one_class():
    one = Dataset("mine", np.zeros((30, 8, 8, 3), np.uint8), np.zeros(30, np.int32), ("only",))
    with pytest.raises(DataError, match="on 20 images and 2 classes or more, not on 30 and 1; choose other features"):
        make(None, one)


def test_weights_whose_name_is_too_long_are_missing_too(cache_folder):
    with pytest.raises(DataError, match="no such file"):
        features.check("inception", digits.load(), "n" * 300)


def test_missing_inception_weights_are_named_with_where_to_get_them(cache_folder):
    with pytest.raises(
        DataError, match=r"no such file.*https://.*--weights.*--evaluate.weights.*--download"
    ) as refused:
        make("inception", unlabelled())
    assert str(cache_folder) in str(refused.value)


def test_a_damaged_download_from_an_earlier_day_is_not_used(cache_folder):
    cache_folder.mkdir()
    (cache_folder / features.inception.FILE).write_bytes(b"damaged since")
    with pytest.raises(DataError, match="its SHA-256 begins with"):
        make("inception", unlabelled())


def test_stacked_digits_are_told_apart_channel_by_channel(briefly, monkeypatch):
    briefly(300)
    data = digits.load()
    one_colour = Dataset("mnist", data.images[:600], data.labels[:600], data.classes)
    monkeypatch.setattr(features, "load_data", lambda config: one_colour)
    config = Config(data=DataConfig(name="stacked_mnist"))
    found, _ = make("classifier", one_colour, config=config)
    images = np.concatenate([data.images[i : i + 1] for i in (0, 1, 2)], axis=-1)
    told = found.extract(found.params, images)
    assert told.values.shape == (1, 3 * classifier.WIDTH)
    assert told.labels.tolist() == [100 * data.labels[0] + 10 * data.labels[1] + data.labels[2]]


def named_after(tmp_path, content):
    source = tmp_path / f"weights-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    source.write_bytes(content)
    return source


def test_a_download_is_checked_and_kept(tmp_path):
    source = named_after(tmp_path, b"some weights" * 1000)
    target = tmp_path / "there" / source.name
    said = []
    features.fetch(source.as_uri(), target, said.append)
    assert target.read_bytes() == source.read_bytes()
    assert said == [f"downloading {source.as_uri()}"]


def test_other_bits_than_promised_are_not_kept(tmp_path):
    source = named_after(tmp_path, b"some weights")
    source.write_bytes(b"others")
    target = tmp_path / "there" / source.name
    with pytest.raises(DataError, match=r"its SHA-256 is .*, its name promises .*; not kept"):
        features.fetch(source.as_uri(), target, lambda line: None)
    assert not list(target.parent.iterdir())


def test_a_network_that_fails_is_one_line(tmp_path):
    target = tmp_path / "there" / "weights-01234567.pth"
    with pytest.raises(DataError, match=r"could not download http://127\.0\.0\.1:9/x") as refused:
        features.fetch("http://127.0.0.1:9/x", target, lambda line: None)
    assert "\n" not in str(refused.value)
    assert not list(target.parent.iterdir())
