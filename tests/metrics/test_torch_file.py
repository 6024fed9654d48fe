import io
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from gan_jax.errors import DataError
from gan_jax.metrics.torch_file import read

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
COUNTS = np.array([3, 1, 2])


class Named:
    """Pickles as a global of any module, whether there is one or not."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a global with arguments."""

    def __init__(self, module, name, *arguments):
        self.function, self.arguments = Named(module, name), arguments


class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Pickler(pickle._Pickler):
    """The pickles that PyTorch writes, without PyTorch: globals by name, storages by persistent id."""

    def __init__(self, file, legacy):
        super().__init__(file, protocol=2)
        self.legacy = legacy

    def persistent_id(self, value):
        if isinstance(value, Storage):
            pid = ("storage", Named("torch", value.kind), value.key, "cpu", value.count)
            return (*pid, None) if self.legacy else pid
        return None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Named):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


def pickled(value, legacy=False):
    buffer = io.BytesIO()
    Pickler(buffer, legacy).dump(value)
    return buffer.getvalue()


def tensor(kind, key, count, shape, strides, offset=0):
    return Call(
        "torch._utils", "_rebuild_tensor_v2", Storage(kind, key, count), offset, shape, strides, False, OrderedDict()
    )


STATE = {
    "matrix": tensor("FloatStorage", "0", 12, (3, 4), (4, 1)),
    "turned": tensor("FloatStorage", "0", 12, (4, 3), (1, 4)),
    "row": tensor("FloatStorage", "0", 12, (4,), (1,), 4),
    "counts": tensor("LongStorage", "1", 3, (3,), (1,)),
    "one": tensor("LongStorage", "1", 3, (), (), 2),
}
STORAGES = {"0": MATRIX.tobytes(), "1": COUNTS.tobytes()}


def as_zip(path, state=STATE, storages=STORAGES):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(state))
        archive.writestr("archive/byteorder", "little")
        for key, content in storages.items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def as_row(path, state=STATE, storages=STORAGES):
    sizes = {"0": 4, "1": 8}
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True})]
    parts += [pickled(state, legacy=True), pickled(list(storages))]
    parts += [struct.pack("<q", len(content) // sizes[key]) + content for key, content in storages.items()]
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture(params=[as_zip, as_row])
def write(request, tmp_path):
    return lambda *args: request.param(tmp_path / "weights.pth", *args)


def test_tensors_come_back(write):
    found = read(write())
    assert found.keys() == STATE.keys()
    np.testing.assert_array_equal(found["matrix"], MATRIX)
    np.testing.assert_array_equal(found["turned"], MATRIX.T)
    np.testing.assert_array_equal(found["row"], MATRIX[1])
    np.testing.assert_array_equal(found["counts"], COUNTS)
    assert found["one"] == 2
    assert found["matrix"].dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_pytorch_itself_come_back(tmp_path, zipped):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    state = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), torch.nn.BatchNorm2d(4)).state_dict()
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    found = read(tmp_path / "w.pth")
    assert found.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(found[name], value.numpy())


EVIL = [
    Call("os", "system", "touch {marker}"),
    Call("builtins", "eval", "open('{marker}', 'w')"),
    Call("builtins", "getattr", Named("os", "system"), "__call__"),
    Call("numpy.core.multiarray", "_reconstruct", 1),
    Call("torch", "load", "x"),
    Call("torch.storage", "_load_from_bytes", b"x"),
    Named("posix", "system"),
]


@pytest.mark.parametrize(
    "evil", EVIL, ids=lambda e: str(getattr(e, "name", None) or f"{e.function.module}.{e.function.name}")
)
def test_other_names_are_refused_and_nothing_is_run(write, tmp_path, evil):
    marker = tmp_path / "marker"
    if isinstance(evil, Call):
        evil = Call(
            evil.function.module,
            evil.function.name,
            *(a.format(marker=marker) if isinstance(a, str) else a for a in evil.arguments),
        )
    with pytest.raises(DataError, match="refused, and nothing was run"):
        read(write(STATE | {"evil": evil}))
    assert not marker.exists()


def test_calling_what_is_no_function_is_refused(write):
    for kind in ("FloatStorage", "LongStorage"):
        with pytest.raises(DataError, match=r"weights\.pth"):
            read(write({"x": Call("torch", kind, 5)}))


@pytest.mark.parametrize(
    "described",
    [
        tensor("FloatStorage", "0", 12, (3, 5), (4, 1)),
        tensor("FloatStorage", "0", 12, (3, 4), (4, 1), 1),
        tensor("FloatStorage", "0", 12, (3, 4), (4, -1)),
        tensor("FloatStorage", "0", 12, (10**9,), (0,)),
        tensor("FloatStorage", "0", 10**9, (3, 4), (4, 1)),
        tensor("FloatStorage", "9", 12, (3, 4), (4, 1)),
        Call("torch._utils", "_rebuild_tensor_v2", "no storage", 0, (1,), (1,), False, None),
    ],
)
def test_tensors_that_reach_beyond_their_numbers_are_refused(write, described):
    with pytest.raises(DataError, match=r"weights\.pth"):
        read(write({"bad": described}))


@pytest.mark.parametrize("state", [{}, [1, 2], {"epoch": 3}, {"model": STATE}, {1: STATE["matrix"]}])
def test_what_is_no_dictionary_of_tensors_is_refused(write, state):
    with pytest.raises(DataError, match="expected a dictionary of tensors"):
        read(write(state))


def test_a_file_cut_short_is_refused_wherever_it_is_cut(write):
    path = write()
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"weights\.pth"):
            read(path)


def test_no_bytes_at_all_raise_another_error(write):
    path = write()
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read(path)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert not any("\n" in message for message in refused)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)), b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.pth"):
        read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.pth: no such file"):
        read(tmp_path / "none.pth")
