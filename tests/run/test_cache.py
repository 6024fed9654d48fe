import numpy as np
import pytest

from gan_jax.run import cache


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path))
    return tmp_path


def test_arrays_come_back():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b.c": np.array(3)}
    cache.save("some/thing", arrays)
    found = cache.load("some/thing")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_was_never_kept_is_not_there():
    assert cache.load("nothing") is None


@pytest.mark.parametrize("place", [0, 10, 200, -30])
def test_damaged_arrays_count_as_absent(elsewhere, place):
    cache.save("thing", {"a": np.arange(100.0)})
    path = elsewhere / "thing.npz"
    bits = bytearray(path.read_bytes())
    bits[place] ^= 0xFF
    path.write_bytes(bits)
    found = cache.load("thing")
    assert found is None or np.array_equal(found["a"], np.arange(100.0))  # a byte that carries nothing may change
    path.write_bytes(bits[: len(bits) // 2])
    assert cache.load("thing") is None


def test_changed_values_in_a_sound_file_count_as_absent(elsewhere):
    cache.save("thing", {"a": np.arange(3.0)})
    with np.load(elsewhere / "thing.npz") as file:
        arrays = dict(file)
    np.savez(elsewhere / "thing.npz", **(arrays | {"a": np.ones(3)}))
    assert cache.load("thing") is None


def test_a_disk_that_refuses_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "file"))
    assert not cache.save("thing", {"a": np.ones(1)})
    assert cache.load("thing") is None
