"""Settings for every test: two CPU devices, silent mistakes made loud, and compiled programs let go."""

import ctypes
import functools
import gc
import os
import shutil
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

# Before JAX is imported. NPROC: forced CPU devices need a thread each, or a collective may wait for ever.
os.environ.setdefault("NPROC", "32")
# Most of the suite's time is compilation, of programs that run once: nothing is gained by making them fast.
FLAGS = "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0"
FLAGS += " --xla_cpu_opt_preset=CPU_OPT_PRESET_FAST_COMPILE"
FLAGS += " --xla_cpu_parallel_codegen_split_count=1"  # programs in parts take a sixteenth longer
if version("jaxlib").startswith("0.10."):
    FLAGS += " --xla_cpu_use_fusion_emitters=false"  # the older ones need half the time; jaxlib 0.12 has none
os.environ.setdefault("XLA_FLAGS", FLAGS)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait for work by turning in circles
# Runs that are killed and started again compile the same programs each time: all workers and their processes share.
# JAX packs them with zstandard where it is installed, with zlib, which was 3 % of tests/test_gan.py's time, where not.
CACHE = None if "JAX_COMPILATION_CACHE_DIR" in os.environ else tempfile.mkdtemp(prefix="gan_jax-tests-")
if CACHE:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = CACHE
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")

import jax
import pytest
from jax._src.interpreters import mlir

# JAX lowers each program in a context of its own, which takes 5 ms to fill with dialects and stays as long as the
# program: a twelfth of the suite's time, a third of a worker's memory (2026-11-28). One serves them all.
if hasattr(mlir, "make_ir_context"):  # not public
    mlir.make_ir_context = functools.cache(mlir.make_ir_context)

# [4, 1] - [4] -> [4, 4] is a wrong relativistic loss that no error would show.
jax.config.update("jax_numpy_rank_promotion", "raise")


# Programs are made of objects by the million, most of which stay. To look through them all as often as is usual took
# 10 of 143 s of tests/run/test_evaluation.py and test_ways.py (2026-11-26, Python 3.11; and 20,000 in place of 700).
gc.set_threshold(100_000, 20, 50)


def pytest_collection_finish():
    """What has been imported and collected stays: it need not be looked through for what can go."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _let_go_of_compiled_programs():
    """Hundreds of them are gigabytes; the C library keeps what is freed unless it is asked to give it back."""
    global let_go_above
    yield
    if resident() > let_go_above:
        jax.clear_caches()
        with warnings.catch_warnings():  # of files that a test has read and left to be closed
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        trim(0)
        let_go_above = min(max(MOST_BYTES, resident() + ROOM), CEILING)


MOST_BYTES = 1.2e9
"""Imports and one run of training are 700 MB; what is let go is compiled again."""
ROOM, CEILING = 1e8, 1.4e9
"""If much stays all the same, letting go after every test would cost more than it gives: half of a worker's time."""
let_go_above = MOST_BYTES


@pytest.fixture
def curves():
    """For a test that looks at the curves of its runs."""


@pytest.fixture(autouse=True)
def _only_curves_that_are_looked_at(request, monkeypatch):
    """Drawing them, which hardly any test opens, would be a tenth of a run of two seconds.

    Runs of wider fixtures and of processes draw all the same, and so does the first one of a worker.
    """
    record = sys.modules.get("gan_jax.run.record")
    if record and "curves" not in request.fixturenames:
        for save in ("save_curves", "save_scores"):
            monkeypatch.setattr(record, save, lambda path, of: None)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """`trained(config, path)`: the run of a config in a folder, trained once and copied after that."""
    from gan_jax.config.schema import to_json
    from gan_jax.run.loop import train

    runs = {}

    def copy(config, path):
        if (name := to_json(config)) not in runs:
            runs[name] = tmp_path_factory.mktemp("trained") / "run"
            train(config, runs[name])
        shutil.copytree(runs[name], path, dirs_exist_ok=True)

    return copy


def resident():
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if LINUX else 0


LINUX = sys.platform == "linux"
libc = ctypes.CDLL(None)
trim = getattr(libc, "malloc_trim", lambda pad: 0)  # glibc's
if LINUX and hasattr(libc, "mallopt"):
    # What a large array of a thread took stays with that thread, whatever is trimmed, unless it is mapped by itself.
    M_MMAP_THRESHOLD = -3  # of malloc.h
    libc.mallopt(M_MMAP_THRESHOLD, 2**20)


def pytest_unconfigure():
    """Removes the shared programs, in the process that made the folder."""
    if CACHE and Path(CACHE).is_dir():
        shutil.rmtree(CACHE, ignore_errors=True)
