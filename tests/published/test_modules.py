"""Pickled networks are read, and whatever else a pickle may ask for is not done."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from pickles import Call, Named, Object, Storage, parameter, pickled

from gan_jax.errors import DataError
from gan_jax.metrics import torch_file
from gan_jax.published.modules import Named as Name
from gan_jax.published.modules import read

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
HALVES = np.array([0.5, -2], np.float16)


def persistent(state, kind="Generator"):
    """A module as NVlabs' decorator has it pickled, with its source code."""
    meta = {"type": "class", "version": 6, "module_src": "import os\nos.abort()", "class_name": kind, "state": state}
    return Call("torch_utils.persistence", "_reconstruct_persistent_obj", meta)


def plain(state, kind="Generator"):
    return Object("training.networks", kind, state)


def network(made, **more):
    """A module in a module: `made` makes one of attributes."""
    layer = {"_parameters": OrderedDict(weight=parameter(MATRIX), bias=None), "activation": "lrelu"}
    state = {
        "_modules": {"conv": made(layer)},
        "_buffers": {"w_avg": parameter(HALVES)},
        "z_dim": 64,
        "training": False,
    }
    return made(state | more)


@pytest.fixture
def write(tmp_path):
    def written(value):
        path = tmp_path / "weights.pkl"
        path.write_bytes(value if isinstance(value, bytes) else pickled(value))
        return path

    return written


@pytest.mark.parametrize("made", [plain, persistent])
def test_tensors_and_attributes_come_back_by_dotted_names(write, made):
    found = read(write({"G": network(made, z_dim=1), "D": made({}), "G_ema": network(made)}))
    assert found.called == "G_ema"
    assert found.tensors.keys() == {"conv.weight", "w_avg"}
    np.testing.assert_array_equal(found.tensors["conv.weight"], MATRIX)
    np.testing.assert_array_equal(found.tensors["w_avg"], HALVES)
    assert found.tensors["w_avg"].dtype == np.float16
    assert found.fields == {"conv.bias": None, "conv.activation": "lrelu", "z_dim": 64, "training": False}


def test_a_network_may_be_all_of_a_file_or_have_no_average(write):
    assert read(write(network(plain))).called == ""
    assert read(write({"G": network(plain)})).called == "G"


def test_what_code_names_is_a_name(write):
    dtype = {"DataType": Named("torch", "bfloat16"), "optimizer": {0: Call("numpy", "float64", 1)}, "loss": {"a", "b"}}
    assert read(write(network(plain, **dtype))).fields["DataType"] == Name("torch", "bfloat16")


def test_sets_and_short_cuts_of_newer_protocols_are_read(write):
    content = pickle.dumps({"G": {"a", "b"}, "state": os.path.sep * 70_000}, protocol=4)
    with pytest.raises(DataError, match="expected networks called G_ema or G, there are none"):
        read(write(content))


@pytest.mark.parametrize("made", [plain, persistent])
def test_nothing_is_run(write, tmp_path, made):
    marker = tmp_path / "marker"
    evil = [Call("os", "system", f"touch {marker}"), Call("builtins", "eval", f"open({str(marker)!r}, 'w')")]
    evil += [Object("subprocess", "Popen", {"args": ["touch", str(marker)]}), Call("torch", "load", "x")]
    found = read(write({"before": evil, "G_ema": network(made, hook=evil[0], hooks=evil)}))
    np.testing.assert_array_equal(found.tensors["conv.weight"], MATRIX)
    with pytest.raises(DataError, match="expected a network"):
        read(write(evil[0]))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (b"(X\x04\x00\x00\x00trueios\nsystem\n", "INST"),
        (b"(cos\nsystem\nX\x04\x00\x00\x00trueo", "OBJ"),
        (b"\x82\x01", "EXT1"),
        (b"P0\n", "PERSID"),
        (b"NQ", "BINPERSID"),
        (b"\x96\x00\x00\x00\x00\x00\x00\x00\x40", "BYTEARRAY8"),
        (b"I1\n", "INT"),
    ],
)
def test_other_instructions_are_refused(write, instructions, name):
    with pytest.raises(DataError, match=rf"weights\.pkl: (it asks for '{name}'|damaged)"):
        read(write(b"\x80\x04" + instructions + b"."))


def nested(levels):
    """A tuple of itself twice, of itself twice ...: short to write, and 2^levels long to hash or to print."""
    return b"N" + b"".join(b"q\x01h\x01\x86" for _ in range(levels))


EXHAUSTING = {
    "deep tuples": b"\x80\x02" + b"N" + b"\x85" * 200_000 + b".",
    "deep states": b"\x80\x02" + b"ctorch\nModule\n)\x81" * 30_000 + b"N" + b"b" * 30_000 + b".",
    "key": b"\x80\x02}" + nested(200) + b"Ns.",
    "keys": b"\x80\x02}(" + nested(200) + b"Nu.",
    "alone": b"\x80\x02" + nested(200) + b".",
    "class": b"\x80\x02ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + nested(200) + b"\x85R.",
    "length": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
    "frame": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",
    "memo": b"\x80\x02}r\xff\xff\xff\xff.",
}


@pytest.mark.parametrize("name", EXHAUSTING)
def test_pickles_that_would_exhaust_the_machine_are_refused(write, name):
    with pytest.raises(DataError, match=r"weights\.pkl: [^\n]{1,300}$"):
        read(write(EXHAUSTING[name]))


def module_of(parts):
    """A pickle of a module whose state has such instructions after the empty dictionary of its modules."""
    state = b"}X\x08\x00\x00\x00_modules}" + parts + b"s"
    return b"\x80\x02}X\x05\x00\x00\x00G_emactorch\nModule\n)\x81q\x01" + state + b"bs."


def test_a_module_in_itself_has_more_parts_than_any(write):
    with pytest.raises(DataError, match="its network has more parts than any has"):
        read(write(module_of(b"(X\x01\x00\x00\x00ah\x01X\x01\x00\x00\x00bh\x01u")))


def test_more_instructions_than_weights_need_are_refused(write, monkeypatch):
    monkeypatch.setattr(torch_file, "_MOST_INSTRUCTIONS", 2000)
    with pytest.raises(DataError, match="larger than any weights need"):
        read(write(b"\x80\x02" + b"N" * 5000 + b"."))


@pytest.mark.parametrize(
    "numbers",
    [
        Call("torch.storage", "_load_from_bytes", b"x"),
        Call("torch.storage", "_load_from_bytes", "x"),
        Call("torch.storage", "_load_from_bytes", pickled(1)),
        Storage("FloatStorage", "0", 12),
        5,
    ],
)
def test_storages_that_are_none_are_refused(write, numbers):
    tensor = Call("torch._utils", "_rebuild_tensor_v2", numbers, 0, (2,), (1,), False, OrderedDict())
    with pytest.raises(DataError, match=r"weights\.pkl"):
        read(write(network(plain, weight=tensor)))


@pytest.mark.parametrize(("shape", "strides"), [((7,), (1,)), ((10**9,), (0,)), ((2, 2), (4, 2))])
def test_tensors_that_reach_beyond_their_numbers_are_refused(write, shape, strides):
    rebuilt = parameter(MATRIX).arguments[0]
    rebuilt.arguments = (rebuilt.arguments[0], 0, shape, strides, False, OrderedDict())
    with pytest.raises(DataError, match="reaches beyond its 6 numbers"):
        read(write(network(plain, weight=rebuilt)))


@pytest.mark.parametrize("made", [plain, persistent])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(write, made):
    content = pickled({"G_ema": network(made)})
    for length in range(0, len(content), 7):
        with pytest.raises(DataError, match=r"weights\.pkl"):
            read(write(content[:length]))


def test_no_bytes_at_all_raise_another_error(write):
    content = pickled({"G_ema": network(plain)})
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] = rng.integers(256)
        try:
            read(write(bytes(damaged)))
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no pickle"),
        (b"hello", "no pickle"),
        (b"PK\x03\x04", "holds weights alone, as torch.save writes them"),
        (pickled(0x1950A86A20F9469CFC6C), "holds weights alone, as torch.save writes them"),
        (pickled({"epoch": 3}), "expected networks called G_ema or G, there are none"),
        (pickled({"D": network(plain)}), "expected networks called G_ema or G, there are 'D'"),
        (pickled((Object("dnnlib.tflib.network", "Network", {}),) * 3), "of TensorFlow; legacy.py"),
        (pickled([1]), "expected a network"),
    ],
)
def test_files_of_another_kind_are_named(write, content, said):
    with pytest.raises(DataError, match=f"weights.pkl: {said}"):
        read(write(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.pkl: cannot be read: No such file"):
        read(tmp_path / "none.pkl")


def test_what_may_never_end_is_no_file():
    with pytest.raises(DataError, match="/dev/zero: is no file"):
        read("/dev/zero")
