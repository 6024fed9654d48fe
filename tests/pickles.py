"""The pickles that PyTorch writes, without PyTorch: globals by name, whether there are such or not."""

import io
import pickle
import struct
from collections import OrderedDict

import numpy as np


class Named:
    """Pickles as a global of any module, whether there is one or not."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a global with arguments."""

    def __init__(self, module, name, *arguments):
        self.function, self.arguments = Named(module, name), arguments


class Object:
    """Pickles as an object of a class, with attributes."""

    def __init__(self, module, name, state):
        self.kind, self.state = Named(module, name), state


class Storage:
    """Pickles as a storage, by a persistent id."""

    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Pickler(pickle._Pickler):
    """Of all of these."""

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
        elif isinstance(value, Object):
            self.save(value.kind)
            self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
            self.save(value.state)
            self.write(pickle.BUILD)
        elif isinstance(value, bytes):  # as protocols from 3 on have them
            self.write(pickle.BINBYTES + struct.pack("<I", len(value)) + value)
        else:
            super().save(value, save_persistent_id)


def pickled(value, legacy=False):
    buffer = io.BytesIO()
    Pickler(buffer, legacy).dump(value)
    return buffer.getvalue()


def row(content, storages):
    """PyTorch's older format: `storages` are arrays by their keys."""
    parts = [pickled(0x1950A86A20F9469CFC6C), pickled(1001), pickled({"little_endian": True})]
    parts += [content if isinstance(content, bytes) else pickled(content, legacy=True), pickled(list(storages))]
    return b"".join(parts + [struct.pack("<q", array.size) + array.tobytes() for array in storages.values()])


def tensor(array, key, *, old=False):
    """A tensor that is all of the storage of a key; `old` as it was before PyTorch 0.4."""
    strides = tuple(stride // array.itemsize for stride in array.strides)
    name, rest = ("_rebuild_tensor", ()) if old else ("_rebuild_tensor_v2", (False, OrderedDict()))
    return Call("torch._utils", name, Storage("FloatStorage", key, array.size), 0, array.shape, strides, *rest)


def parameter(array):
    """A parameter as a pickle of a whole network has it: its numbers are a file of the older format, inside."""
    array = np.array(array, order="C")
    kind = {"float16": "HalfStorage", "float32": "FloatStorage", "float64": "DoubleStorage"}[array.dtype.name]
    numbers = Call("torch.storage", "_load_from_bytes", row(Storage(kind, "94", array.size), {"94": array}))
    strides = tuple(stride // array.itemsize for stride in array.strides)
    tensor = Call("torch._utils", "_rebuild_tensor_v2", numbers, 0, array.shape, strides, False, OrderedDict())
    return Call("torch._utils", "_rebuild_parameter", tensor, True, OrderedDict())
