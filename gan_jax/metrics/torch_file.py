"""Reads the arrays of a PyTorch weights file without PyTorch, and without running what a pickle may ask to run.

Both formats: the zip of PyTorch 1.6 and later, and the row of pickles before it. A pickle's instructions are looked
through first: only those that build dictionaries and describe tensors may be there, and any other name is refused.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from gan_jax.errors import DataError

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001  # the first two pickles of the older format

_ROW = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the magic number, pickled

BEGINNINGS = (b"PK", _ROW)
"""Of what `torch.save` writes, in both formats."""

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

INSTRUCTIONS: frozenset[str] = frozenset(
    """
    PROTO FRAME STOP MARK GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINSTRING SHORT_BINSTRING BINUNICODE SHORT_BINUNICODE
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS
    BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET
    """.split()  # noqa: SIM905 - a list would be forty lines
)
"""Of a pickle, those that a dictionary of tensors is written in."""

# Weights stay far below both; 100 times as many attributes as a file has values would keep us for minutes.
_MOST_INSTRUCTIONS, _MOST_BUILDS = 2_000_000, 100


def read(path: str | Path, entry: str = "") -> dict[str, np.ndarray]:
    """The tensors of a state_dict, by name, as read-only arrays of their own dtype.

    The file is the state_dict, or a dictionary that has it as its `entry`, beside other things. Raises DataError, in
    one line that begins with the path, for whatever else the file may be: missing, not of PyTorch, cut short, damaged,
    not a dictionary of tensors, or a pickle that asks for anything but tensors.
    """
    try:
        content = Path(path).read_bytes()
        return _read_zip(content, entry) if content.startswith(b"PK") else _read_row(io.BytesIO(content), entry)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # a damaged pickle raises of every kind
        told = " ".join(str(error).split())[:80]
        raise DataError(f"{path}: damaged or cut short ({type(error).__name__}: {told!a})") from None


def is_one(path: str | Path) -> bool:
    """Whether a file begins as `torch.save` begins it; not, if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_ROW)).startswith(BEGINNINGS)
    except OSError:
        return False


class Storage(NamedTuple):
    """Numbers in a row, by the key that they are stored under."""

    key: str
    dtype: np.dtype
    length: int


class Tensor(NamedTuple):
    """What a storage's numbers are."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _RebuildTensor:
    """Stands in for `torch._utils._rebuild_tensor_v2`, and for what it was called before PyTorch 0.4."""

    __slots__ = ()  # so that no pickle can set an attribute

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *unused: Any) -> Tensor:
        if not (
            isinstance(storage, Storage)
            and isinstance(shape, tuple)
            and isinstance(strides, tuple)
            and len(shape) == len(strides) <= 32
            and all(_is_size(number) for number in (offset, *shape, *strides))
        ):
            raise DataError("a tensor in it is described wrongly")
        return Tensor(storage, offset, shape, strides)


class _RebuildParameter:
    """Stands in for `torch._utils._rebuild_parameter`."""

    __slots__ = ()

    def __call__(self, tensor: Any, *unused: Any) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise DataError("a parameter in it is described wrongly")
        return tensor


class _OrderedDict:
    """Stands in for `collections.OrderedDict`, which is filled once it is made."""

    __slots__ = ()

    def __call__(self) -> OrderedDict[str, Any]:
        return OrderedDict()


rebuild_tensor, rebuild_parameter = _RebuildTensor(), _RebuildParameter()

_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _OrderedDict(),
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


_InPython: Any = pickle._Unpickler


class _Unpickler(_InPython):
    """The one in Python, whose dictionaries can be watched: the hash of a tuple of tuples of ... may take for ever."""

    dispatch: ClassVar[dict[int, Any]] = dict(_InPython.dispatch)

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}  # by key, all that are described

    def load_setitem(self) -> None:
        _check_name(self.stack[-2])
        super().load_setitem()

    def load_setitems(self) -> None:
        for name in self.stack[::2]:  # above the last mark
            _check_name(name)
        super().load_setitems()

    dispatch |= {pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise refused(f"{module}.{name}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, count, *view = pid
        if (
            kind != "storage"
            or not isinstance(key, str)
            or dtype not in _DTYPES.values()
            or not _is_size(count)
            or any(v is not None for v in view)
        ):
            raise DataError("a storage in it is described wrongly")
        self.storages[key] = Storage(key, np.dtype(dtype), count)
        return self.storages[key]


def refused(name: str) -> DataError:
    """What to raise for a file that asks for what no weights need."""
    return DataError(f"it asks for {ascii(name)[:80]}, which weights do not need: refused, and nothing was run")


def _too_large() -> DataError:
    return DataError("its pickle is larger than any weights need: refused, and nothing was run")


def _check_name(name: Any) -> None:
    # Optimizers number theirs. Larger numbers can be chosen so that a dictionary of them takes for ever.
    if type(name) is not str and not (type(name) is int and 0 <= name < 1 << 20):
        raise DataError(f"expected a dictionary of tensors by name, one in it has a {type(name).__name__} for a name")


def instructions(file: io.BytesIO, allowed: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Those of the next pickle in the file, and their arguments; nothing is done. Raises DataError for any other."""
    for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
        if instruction.name not in allowed:
            raise refused(instruction.name)
        if count > _MOST_INSTRUCTIONS:
            raise _too_large()
        yield instruction.name, argument


def _unpickle(file: io.BytesIO) -> Any:
    """The next pickle in the file, if it is harmless."""
    return _unpickled(file)[0]


def _unpickled(file: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """The same, and the storages that it describes, by key."""
    start, builds = file.tell(), 0
    for name, argument in instructions(file, INSTRUCTIONS):
        if name == "GLOBAL" and tuple(str(argument).split(" ", 1)) not in _ALLOWED:
            raise refused(str(argument).replace(" ", "."))
        builds += name == "BUILD"
        if builds > _MOST_BUILDS:
            raise _too_large()
    file.seek(start)
    unpickler = _Unpickler(file)
    return unpickler.load(), unpickler.storages


def _read_zip(content: bytes, entry: str) -> dict[str, np.ndarray]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        raise DataError("begins as a zip and does not end as one: cut short; download it again") from None
    with archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise DataError("a zip, but not one that PyTorch has written: no data.pkl in it")
        folder = pickles[0].removesuffix("data.pkl")
        if folder + "byteorder" in archive.namelist() and _member(archive, folder + "byteorder") != b"little":
            raise DataError("written on a machine with big-endian numbers, which is not supported")
        tensors = _tensors(_unpickle(io.BytesIO(_member(archive, pickles[0]))), entry)
        keys = {tensor.storage.key for tensor in tensors.values()}
        return _arrays(tensors, {key: _member(archive, f"{folder}data/{key}") for key in keys})


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise DataError("a zip, but not one that PyTorch has written: it is compressed")
        return archive.read(name)
    except KeyError:
        raise DataError(f"{ascii(name)[:80]} is missing in it; download it again") from None
    except zipfile.BadZipFile as error:
        raise DataError(f"{ascii(name)[:80]} in it is damaged ({ascii(str(error))[:80]}); download it again") from None


def storage(content: bytes) -> tuple[Storage, memoryview]:
    """A storage that was saved by itself, as pickles of whole tensors have it, and its numbers, not copied."""
    file = io.BytesIO(content)
    (found, _), keys = _row(file), _unpickle(file)
    if not isinstance(found, Storage) or keys != [found.key]:
        raise DataError("a storage in it is described wrongly")
    return found, memoryview(content)[file.tell() + 8 :]  # behind their number


def _row(file: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """What the older format holds, and the storages in it; numbers come behind it."""
    if file.read(1) != pickle.PROTO or file.seek(0) or _unpickle(file) != _MAGIC:
        raise DataError("not a PyTorch weights file")
    if (version := _unpickle(file)) != _VERSION:
        raise DataError(f"of an unknown version: {version if type(version) is int else type(version).__name__}")
    if not _unpickle(file)["little_endian"]:
        raise DataError("written on a machine with big-endian numbers, which is not supported")
    return _unpickled(file)


def _read_row(file: io.BytesIO, entry: str) -> dict[str, np.ndarray]:
    found, storages = _row(file)
    tensors = _tensors(found, entry)
    contents = {}
    for key in _unpickle(file):
        if not isinstance(key, str) or (storage := storages.get(key)) is None:
            told = ascii(key)[:80] if isinstance(key, str) else f"named by a {type(key).__name__}"
            raise DataError(f"storage {told} belongs to no tensor in it")
        count = int.from_bytes(file.read(8), "little")
        if count != storage.length:
            raise DataError(f"storage {ascii(key)[:80]} should hold {storage.length} numbers, says {count}")
        contents[storage.key] = file.read(count * storage.dtype.itemsize)
    return _arrays(tensors, contents)


def _tensors(found: Any, entry: str) -> dict[str, Tensor]:
    if entry and isinstance(found, dict):
        found = dict.get(found, entry, found)
    if not isinstance(found, dict) or not found:
        raise DataError(f"expected a dictionary of tensors, it holds a {type(found).__name__}")
    for name, value in dict.items(found):  # not found.items(): attributes come from the pickle, too
        if not isinstance(name, str) or not isinstance(value, Tensor):
            kind = type(value).__name__.strip("_").lower()
            raise DataError(f"expected a dictionary of tensors, its entry {ascii(name)[:80]} is a {kind}")
    return dict(dict.items(found))


def _arrays(tensors: dict[str, Tensor], contents: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    return {name: array(ascii(name)[:80], tensor, contents) for name, tensor in tensors.items()}


def array(name: str, tensor: Tensor, contents: Mapping[str, bytes | memoryview]) -> np.ndarray:
    """A tensor of the storages' contents, by their keys. Raises DataError where it reaches beyond its own."""
    own, offset, shape, strides = tensor
    if own.key not in contents:
        raise DataError(f"{name}: its numbers are missing; the file is cut short")
    content = contents[own.key]
    if len(content) != own.length * own.dtype.itemsize:
        raise DataError(f"{name}: {len(content)} bytes where {own.length} numbers should be; the file is cut short")
    size = math.prod(shape)
    if not size:
        return np.zeros(shape, own.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if max(size, last + 1) > own.length:
        raise DataError(f"{name}: its shape {shape} reaches beyond its {own.length} numbers")
    flat = np.frombuffer(content, own.dtype)[offset:]
    steps = [step * own.dtype.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(flat, shape, steps, writeable=False)


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**40
