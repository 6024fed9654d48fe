"""Reads networks that were pickled whole, with their code: as records, of which nothing is looked up, called or run.

NVlabs' files are dictionaries of modules, "G_ema" the averaged generator; each module is a call of
`torch_utils.persistence._reconstruct_persistent_obj` with its source code and its attributes, R3GAN's a plain object
with them. Whatever such a file asks for becomes a `Record` of its name, but for dictionaries and tensors.
"""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from gan_jax.errors import DataError
from gan_jax.metrics import torch_file
from gan_jax.metrics.torch_file import Storage, Tensor

INSTRUCTIONS = torch_file.INSTRUCTIONS - {"BINPERSID"} | {
    *("NEWOBJ", "EMPTY_SET", "ADDITEMS", "LONG4"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINUNICODE8"),
}
"""Of a pickle, those that whole networks are written in."""

GENERATORS = ("G_ema", "G")
"""What generators are called in a file of several networks, the better one first."""

_MOST_PARTS, _LONGEST_NAME = 100_000, 300  # StyleGAN2 at 1024 pixels has some 3,000 attributes, of 40 letters


class Published(NamedTuple):
    """A generator as its authors' code had it."""

    called: str  # in its file: "G_ema", "G", or "" where it is all of it
    tensors: dict[str, np.ndarray]  # by dotted names, "synthesis.b4.conv1.weight", of their own dtype, read-only
    fields: dict[str, Any]  # attributes by dotted names: numbers, texts, None, and `Named`


class Named(NamedTuple):
    """A class, function or constant of somebody's code, of which its name is all that is known."""

    module: str
    name: str


class Record:
    """A call of something named, which was not made."""

    __slots__ = ("state", "what")

    def __init__(self, what: str, state: Any = None) -> None:
        self.what, self.state = what, state


def read(path: str | Path) -> Published:
    """The generator in a file of pickled networks: the averaged one, if there are several.

    Raises DataError, in one line that begins with the path, for whatever else the file may be.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe, or a device, may never end
            raise DataError("is no file; expected a .pkl as R3GAN and StyleGAN2-ADA write them")
        content = Path(path).read_bytes()
        _check_kind(content)
        return _generator(*_unpickle(content))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # a damaged pickle raises of every kind
        told = " ".join(str(error).split())[:80]
        raise DataError(f"{path}: damaged or cut short ({type(error).__name__}: {told!a})") from None


def _check_kind(content: bytes) -> None:
    if content.startswith(torch_file.BEGINNINGS):
        raise DataError("holds weights alone, as torch.save writes them; expected a .pkl of R3GAN or StyleGAN2-ADA")
    if not content.startswith(pickle.PROTO):
        raise DataError(
            "no pickle; expected a .pkl as R3GAN and StyleGAN2-ADA write them, mimicry's .pth, or an AutoencoderKL's "
            ".safetensors"
        )


_InPython: Any = pickle._Unpickler


class _Unpickler(_InPython):
    """The one in Python, each of whose steps takes no longer than what it takes from the file."""

    dispatch: ClassVar[dict[int, Any]] = dict(_InPython.dispatch)

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.contents: dict[str, memoryview] = {}  # of storages
        self.storages: dict[int, tuple[Storage, bytes]] = {}  # by the identity of the bytes they are read from, kept

    def find_class(self, module: str, name: str) -> Named:
        return Named(module, name)

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not isinstance(function, Named) or type(arguments) is not tuple:
            raise DataError("it calls what is no function")
        self.stack[-1] = self._made(function, arguments)

    def load_newobj(self) -> None:
        self.load_reduce()

    def _made(self, function: Named, arguments: tuple[Any, ...]) -> Any:
        match function:
            case ("collections", "OrderedDict") if not arguments:
                return {}
            case ("torch._utils", "_rebuild_tensor_v2"):
                return torch_file.rebuild_tensor(*arguments)
            case ("torch._utils", "_rebuild_parameter"):
                return torch_file.rebuild_parameter(*arguments)
            case ("torch.storage", "_load_from_bytes"):
                return self._storage(*arguments)
            case ("torch_utils.persistence", "_reconstruct_persistent_obj"):
                (meta,) = arguments
                return Record(str(meta["class_name"]), meta["state"])
            case _:
                return Record(".".join(function))

    def _storage(self, content: Any) -> Storage:
        """A storage in a pickle of its own, under a key of its own: theirs are addresses, which may come again."""
        if type(content) is not bytes:
            raise DataError("a storage in it is described wrongly")
        if id(content) not in self.storages:
            found, numbers = torch_file.storage(content)
            found = found._replace(key=str(len(self.contents)))
            self.contents[found.key] = numbers[: found.length * found.dtype.itemsize]
            self.storages[id(content)] = found, content
        return self.storages[id(content)][0]

    def load_build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Record):
            self.stack[-1].state = state

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _set(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        items = self.pop_mark()
        _set(self.stack[-1], items)

    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.EMPTY_SET[0]: _InPython.load_empty_list,
        pickle.ADDITEMS[0]: _InPython.load_appends,
    }


def _set(target: Any, items: list[Any]) -> None:
    """Entries of a dictionary; those of what is a kind of dictionary in somebody's code are left out."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (str, int, float, bool, type(None)):  # the hash of others may take for ever
            raise DataError(f"a dictionary in it has a {type(key).__name__} for a name")
        if type(target) is dict:
            target[key] = value
        elif not isinstance(target, Record):
            raise DataError(f"it sets entries of a {type(target).__name__}")


def _unpickle(content: bytes) -> tuple[Any, dict[str, memoryview]]:
    """What the pickle holds, and the numbers of its storages."""
    for _ in torch_file.instructions(io.BytesIO(content), INSTRUCTIONS):
        pass
    unpickler = _Unpickler(content)
    return unpickler.load(), unpickler.contents


def _generator(found: Any, contents: dict[str, memoryview]) -> Published:
    if type(found) is tuple and any(isinstance(part, Record) and "tflib" in part.what for part in found):
        raise DataError("of TensorFlow; legacy.py of NVlabs/stylegan2-ada-pytorch makes a .pkl of PyTorch of it")
    called = ""
    if type(found) is dict:
        called = next((name for name in GENERATORS if isinstance(found.get(name), Record)), "")
        there = ", ".join(ascii(name)[:40] for name, value in found.items() if isinstance(value, Record)) or "none"
        if not called:
            raise DataError(f"expected networks called {' or '.join(GENERATORS)}, there are {there[:200]}")
        found = found[called]
    if not isinstance(found, Record) or type(found.state) is not dict:
        raise DataError("expected a network, or a dictionary of networks by name")
    tensors: dict[str, np.ndarray] = {}
    fields: dict[str, Any] = {}
    for name, value in _parts(found):
        if isinstance(value, Tensor):
            tensors[name] = torch_file.array(ascii(name)[:80], value, contents)
        elif isinstance(value, bool | int | float | str | Named | None):
            fields[name] = value
    return Published(called, tensors, fields)


def _parts(network: Record) -> Iterator[tuple[str, Any]]:
    """Tensors and attributes of a network and of all its modules, by dotted names. Raises DataError for too many."""
    waiting, count = [("", network)], 0
    while waiting:
        prefix, module = waiting.pop()
        state = module.state if type(module.state) is dict else {}
        groups = [state.get(name) for name in ("_parameters", "_buffers", "_modules")]
        for part in (state, *(group for group in groups if type(group) is dict)):
            count += len(part)
            for name, value in part.items():
                dotted = f"{prefix}{name}"
                if count > _MOST_PARTS or len(dotted) > _LONGEST_NAME:
                    raise DataError("its network has more parts than any has")
                if isinstance(value, Record):
                    waiting.append((f"{dotted}.", value))
                yield dotted, value
