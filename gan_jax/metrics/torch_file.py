"""Reads the arrays of a PyTorch weights file without PyTorch, and without running what a pickle may ask to run.

Both formats: the zip of PyTorch 1.6 and later, and the row of pickles before it. Of the pickle's instructions only
those that build dictionaries and describe tensors are obeyed; any other name in it is refused.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from gan_jax.errors import DataError

_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the older format

_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a state_dict, by name. Raises DataError for any file that is not a sound one."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _read_zip(path) if zipfile.is_zipfile(file) else _read_row(file)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except Exception as error:  # a damaged pickle raises of every kind
        raise DataError(
            f"{path}: not a PyTorch weights file, or cut short ({type(error).__name__}: {str(error)[:80]})"
        ) from None


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any = None, hooks: Any = None, more: Any = None
) -> _Tensor:
    del requires_grad, hooks, more
    numbers = [offset, *shape, *strides]
    if not isinstance(storage, _Storage) or len(shape) != len(strides) or not all(_is_size(n) for n in numbers):
        raise DataError("a tensor in it is described wrongly")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: Any, requires_grad: Any = None, hooks: Any = None) -> Any:
    del requires_grad, hooks
    return tensor


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise DataError(f"it asks for {module}.{name}, which weights do not need: refused, and nothing was run")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *view = pid
        if (
            kind != "storage"
            or not isinstance(dtype, np.dtype)
            or not _is_size(count)
            or any(v is not None for v in view)
        ):
            raise DataError("a storage in it is described wrongly")
        return _Storage(str(key), dtype, count)


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise DataError("a zip, but not one that PyTorch has written: no data.pkl in it")
        folder = pickles[0].removesuffix("data.pkl")
        if folder + "byteorder" in archive.namelist() and archive.read(folder + "byteorder") != b"little":
            raise DataError("written on a machine with big-endian numbers, which is not supported")
        found = _Unpickler(io.BytesIO(archive.read(pickles[0]))).load()
        return _arrays(found, lambda storage: archive.read(f"{folder}data/{storage.key}"))


def _read_row(file: BinaryIO) -> dict[str, np.ndarray]:
    file.seek(0)
    if _Unpickler(file).load() != _MAGIC:
        raise DataError("not a PyTorch weights file")
    _Unpickler(file).load()  # the version of the format
    _Unpickler(file).load()  # the machine it was written on
    found = _Unpickler(file).load()
    keys = _Unpickler(file).load()
    tensors = _tensors(found)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    held: dict[str, bytes] = {}
    for key in keys:
        if (storage := storages.get(str(key))) is None:
            raise DataError(f"storage {key!r} belongs to no tensor in it")
        count = int.from_bytes(file.read(8), "little")
        if count != storage.length:
            raise DataError(f"storage {key!r} should hold {storage.length} numbers, says {count}")
        held[storage.key] = file.read(count * storage.dtype.itemsize)
    return _arrays(found, lambda storage: held[storage.key])


def _tensors(found: Any) -> dict[str, _Tensor]:
    if not isinstance(found, dict) or not found:
        raise DataError(f"expected a dictionary of tensors, it holds a {type(found).__name__}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            raise DataError(f"expected a dictionary of tensors, its entry {name!r} is a {type(value).__name__}")
    return found


def _arrays(found: Any, read_storage: Callable[[_Storage], bytes]) -> dict[str, np.ndarray]:
    return {name: _array(name, tensor, read_storage(tensor.storage)) for name, tensor in _tensors(found).items()}


def _array(name: str, tensor: _Tensor, content: bytes) -> np.ndarray:
    storage, offset, shape, strides = tensor
    if len(content) != storage.length * storage.dtype.itemsize:
        raise DataError(f"{name}: {len(content)} bytes where {storage.length} numbers should be; the file is cut short")
    size = int(np.prod(shape, dtype=object)) if shape else 1
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if size > storage.length or (size and last >= storage.length):
        raise DataError(f"{name}: its shape {shape} reaches beyond its {storage.length} numbers")
    if not size:
        return np.zeros(shape, storage.dtype)
    flat = np.frombuffer(content, storage.dtype)[offset:]
    steps = [step * storage.dtype.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(flat, shape, steps).copy()


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**40
