import hashlib
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from pickles import Call, Named, Storage, pickled, row

from gan_jax.errors import DataError
from gan_jax.metrics import torch_file
from gan_jax.metrics.torch_file import read
from gan_jax.metrics.weights_file import verify

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
COUNTS = np.array([3, 1, 2])


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
        archive.writestr("archive/data.pkl", state if isinstance(state, bytes) else pickled(state))
        archive.writestr("archive/byteorder", "little")
        for key, content in storages.items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def as_row(path, state=STATE, storages=STORAGES):
    kinds = {"0": np.float32, "1": np.int64}
    path.write_bytes(row(state, {key: np.frombuffer(content, kinds[key]) for key, content in storages.items()}))
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


def test_a_dictionary_may_carry_its_version_as_pytorchs_does(write):
    state = OrderedDict(STATE)
    state._metadata = OrderedDict({"": {"version": 1}})
    assert read(write(state)).keys() == STATE.keys()


@pytest.mark.parametrize("name", [2**61 - 1, -1, True, 1.5, None])
def test_names_that_could_be_chosen_to_take_for_ever_are_refused(write, name):
    with pytest.raises(DataError, match=f"one in it has a {type(name).__name__} for a name"):
        read(write({"model": {"counts": STATE["counts"]}, "other": {name: 1}}), "model")


def test_a_state_may_lie_beside_other_things(write):
    beside = {"optimizer": {"state": {0: {"step": 7}}, "betas": (0.0, 0.9), "nesterov": False}, "step": 3}
    found = read(write({"model": {"counts": STATE["counts"]}, "other": STATE["matrix"]} | beside), "model")
    assert found.keys() == {"counts"}
    np.testing.assert_array_equal(found["counts"], COUNTS)
    with pytest.raises(DataError, match="its entry 'model' is a dict"):
        read(write({"model": STATE}))
    with pytest.raises(DataError, match="expected a dictionary of tensors, its entry 'step' is a int"):
        read(write({"step": 3, "model": STATE}), "step 3")


def test_arrays_cannot_be_written_to(write):
    found = read(write())
    with pytest.raises(ValueError, match="read-only"):
        found["row"][0] = 5  # it shares its numbers with the matrix


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


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R", "os.system"),  # STACK_GLOBAL
        (b"(X\x04\x00\x00\x00trueios\nsystem\n", "INST"),
        (b"(cos\nsystem\nX\x04\x00\x00\x00trueo", "os.system"),
        (b"cos\nsystem\nX\x04\x00\x00\x00true\x85\x81", "os.system"),
        (b"ccollections\nOrderedDict\n)\x81", "NEWOBJ"),
        (b"\x82\x01", "EXT1"),  # what copyreg has in its cache is not looked up by name
        (b"P0\n", "PERSID"),
    ],
    ids=["stack_global", "inst", "obj", "newobj", "newobj_allowed", "ext", "persid"],
)
def test_other_instructions_are_refused(write, instructions, name):
    state = b"\x80\x04}X\x01\x00\x00\x00x" + instructions + b"s."
    with pytest.raises(DataError, match=rf"asks for '{name}'.*nothing was run"):
        read(write(state))


def nested(levels):
    """A tuple of itself twice, of itself twice ...: short to write, and 2^levels long to hash or to print."""
    return b"N" + b"".join(b"q\x01h\x01\x86" for _ in range(levels))


NAMED = b"X\x01\x00\x00\x00x"


@pytest.mark.parametrize(
    "state",
    [
        b"\x80\x02}" + nested(200) + b"Ns.",
        b"\x80\x02}(" + NAMED + b"N" + nested(200) + b"Nu.",
        b"\x80\x02ccollections\nOrderedDict\n](" + nested(200) + b"N\x86e\x85R.",
        b"\x80\x02}" + NAMED + b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + nested(200) + b"NK\x01tQs.",
        b"\x80\x02}N" + b"\x85" * 1_000_000 + b"Ns.",  # a tuple in a tuple in a tuple ... as a key
        b"\x80\x02}r\xff\xff\xff\xff.",  # keeps a value under the number 2^32 - 1
        b"\x80\x02" + nested(200) + b".",
    ],
    ids=["item", "items", "ordered", "storage", "deep", "memo", "alone"],
)
def test_pickles_that_would_exhaust_the_machine_are_refused(write, state):
    with pytest.raises(DataError, match=r"weights\.pth"):
        read(write(state))


@pytest.mark.parametrize("part", [b"N", b"}}b"], ids=["instructions", "attributes"])
def test_more_instructions_than_weights_need_are_refused(write, monkeypatch, part):
    monkeypatch.setattr(torch_file, "_MOST_INSTRUCTIONS", 2000)
    with pytest.raises(DataError, match="larger than any weights need"):
        read(write(b"\x80\x02" + part * 5000 + b"."))


def test_a_header_that_takes_for_ever_to_print_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickled(0x1950A86A20F9469CFC6C) + b"\x80\x02" + nested(200) + b".")
    with pytest.raises(DataError, match=r"weights\.pth: of an unknown version: tuple"):
        read(path)


@pytest.mark.parametrize("target", [b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"])
def test_a_pickle_cannot_change_the_reader(write, target):
    attributes = b"N}X\x07\x00\x00\x00__doc__X\x01\x00\x00\x00xs\x86b"  # as BUILD sets them
    with pytest.raises(DataError, match="damaged"):
        read(write(b"\x80\x02" + target + attributes + b"."))
    assert read(write()).keys() == STATE.keys()


def test_attributes_of_the_dictionary_do_not_hide_its_entries(write):
    ordered = b"ccollections\nOrderedDict\n"
    state = b"\x80\x02" + ordered + b")RX\x05\x00\x00\x00epochK\x03s}X\x05\x00\x00\x00items" + ordered + b"sb."
    with pytest.raises(DataError, match="expected a dictionary of tensors, its entry 'epoch' is a int"):
        read(write(state))


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
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"weights\.pth"):
            read(path)


def test_a_zip_whose_checksum_is_wrong_is_refused(tmp_path):
    path = as_zip(tmp_path / "weights.pth")
    path.write_bytes(path.read_bytes().replace(MATRIX.tobytes(), (MATRIX + 1).tobytes()))
    with pytest.raises(DataError, match=r"weights\.pth: 'archive/data/0' in it is damaged.*CRC"):
        read(path)


def test_other_zips_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match=r"no data\.pkl"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # small on disk, huge in memory
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(DataError, match="compressed"):
        read(path)


def test_a_file_is_told_from_another_by_its_checksum(tmp_path):
    path = as_zip(tmp_path / "weights.pth")
    digits = hashlib.sha256(path.read_bytes()).hexdigest()
    verify(path, digits[:8])
    verify(path, digits.upper())
    with pytest.raises(DataError, match=r"weights\.pth: its SHA-256 begins with .* not with 00000000"):
        verify(path, "00000000")
    with pytest.raises(DataError, match=r"none\.pth"):
        verify(tmp_path / "none.pth", "0")


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
