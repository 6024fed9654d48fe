"""What this machine and its packages are, and what is known to be wrong with them: text for a bug report.

Nothing here may fail for what it is to find: JAX is imported as late as it is needed, and may not be there.
"""

import codecs
import locale
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement

from gan_jax import __version__
from gan_jax.memory import available_memory, in_words, limit_of_groups, of_machine
from gan_jax.run import cache


class Finding(NamedTuple):
    """What was looked at, a line for each of what is there, and for each of what is wrong, with how to mend it."""

    about: str
    there: list[str]
    wrong: list[str]


def examine(data_dir: Path | None = None) -> Iterator[Finding]:
    """All findings, each as soon as it is found: what takes long, or hangs, is what is missing at the end."""
    needed = [Requirement(text) for text in _requirements("gan-jax")]
    yield _found("system", system)
    yield _found("packages", lambda: packages(needed))
    yield _found("extras", extras)
    yield _found("variables", surroundings)
    found, devices = devices_of_jax()
    yield found
    yield _found("memory", memory)
    if devices:
        yield speed(devices)
    yield _found("data", lambda: data(data_dir))
    yield _found("caches", caches)
    yield _found("disk", disk)


def _found(about: str, look: Callable[[], Finding]) -> Finding:
    """What is found; where one cannot look, that this is wrong."""
    try:
        return look()
    except (OSError, RuntimeError) as error:  # as of a folder that has gone, or a user without a home
        return Finding(about, [], [f"{about} cannot be looked at: {_at_home(_first_line(error))}"])


def system() -> Finding:
    """The program, Python, the system, its processor, and its letters."""
    encodings = {codecs.lookup(name).name for name in (sys.getfilesystemencoding(), locale.getpreferredencoding(False))}
    wrong = [
        f"the locale's letters are {name.upper()}, which not all names of files are written in; export LC_ALL=C.UTF-8"
        for name in sorted(encodings)
        if name != "utf-8"
    ]
    of = f"gan-jax {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return Finding("system", [of, f"{os.cpu_count()} cores, {' and '.join(sorted(encodings)).upper()}"], wrong)


def packages(needed: list[Requirement]) -> Finding:
    """What gan_jax stands on, beside what it asks for."""
    if not needed:
        return Finding("packages", [], ["gan-jax is not installed, it only lies here; pip install -e its folder"])
    of_jax = [of for of in map(Requirement, _requirements("jax")) if of.name == "jaxlib"]  # it takes one alone
    own = {of.name: of for of in (*needed, *of_jax) if _holds(of)}
    found = {name: _version(name) for name in sorted(own)}
    there = [f"{name} {number}" for name, number in found.items() if number]
    wrong = [
        f"{own[name]} is needed, and {f'{name} {number}' if number else 'none'} is installed; pip install '{own[name]}'"
        for name, number in found.items()
        if number is None or not own[name].specifier.contains(number, prereleases=True)
    ]
    return Finding("packages", _in_rows(there), wrong)


def extras() -> Finding:
    """The optional parts of gan_jax: which packages they have, or lack."""
    try:
        named = set(metadata("gan-jax").get_all("Provides-Extra") or []) - {"dev", "benchmark"}
    except PackageNotFoundError:
        named = set()
    missing = {extra: _missing("gan-jax", extra) for extra in sorted(named)}
    have = ", ".join(f"{extra} ({_versions(extra)})" for extra, lacks in missing.items() if not lacks)
    lack = ", ".join(f"{extra} (no {lacks[0]})" for extra, lacks in missing.items() if lacks)
    return Finding("extras", [f"with {have or 'none'}", *([f"without {lack}"] if lack else [])], [])


def surroundings() -> Finding:
    """The environment variables that change what is computed, or where."""
    told = [f"{name}={_at_home(os.environ[name])}" for name in _VARIABLES if name in os.environ]
    return Finding("variables", told or ["none that matter"], [])


_VARIABLES = (
    *("JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_DEBUG_NANS"),
    *("XLA_FLAGS", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION", "LIBTPU_INIT_ARGS", "NPROC"),
    *("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "GLIBC_TUNABLES"),
    *("GAN_JAX_CACHE", "XDG_CACHE_HOME"),
)


def devices_of_jax() -> tuple[Finding, list[Any]]:
    """JAX's devices, with their memory, and those that it should have; the devices themselves."""
    try:
        import jax

        found = jax.local_devices()
    except Exception as error:  # of a package that does not fit another, or a device that another process holds
        return Finding("devices", [], [f"JAX finds no device: {_first_line(error)}"]), []
    kinds: dict[tuple[str, int], int] = {}
    for device in found:
        kind = device.device_kind, (device.memory_stats() or {}).get("bytes_limit", 0)
        kinds[kind] = kinds.get(kind, 0) + 1
    there = [
        f"{count} x {kind}" + (f", {in_words(room)} of memory each for JAX" if room else ", with the machine's memory")
        for (kind, room), count in kinds.items()
    ]
    has_gpu = any(device.platform == "gpu" for device in found)
    return Finding("devices", there, [] if has_gpu else _unused_gpus()), found


def _unused_gpus() -> list[str]:
    """What the driver says of GPUs that JAX does not have."""
    if not (tool := shutil.which("nvidia-smi")):
        return []
    try:
        told = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=3).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"nvidia-smi does not answer ({_first_line(error)}): the driver may need the machine started again"]
    gpus = [line.partition(" (UUID")[0] for line in told.splitlines() if line.startswith("GPU ")]
    chosen = os.environ.get("JAX_PLATFORMS", "")
    mend = "unset JAX_PLATFORMS" if chosen else "pip install 'gan-jax[cuda13]', or [cuda12] for an older driver"
    return [f"nvidia-smi has {gpus[0]}{' and more' * (len(gpus) > 1)}, and JAX has no GPU; {mend}"] if gpus else []


def memory() -> Finding:
    """The machine's memory, and what a container leaves of it."""
    free, whole, limit = available_memory(), of_machine("MemTotal"), limit_of_groups()
    if free is None or whole is None:
        return Finding("memory", ["this system does not say"], [])
    within = f", within a container's limit of {in_words(limit)}" if limit and limit < whole else ""
    wrong = [f"only {in_words(free)} of memory are free; compiling alone may take 2 GB"] if free < 2e9 else []
    return Finding("memory", [f"{in_words(free)} free of {in_words(whole)}{within}"], wrong)


def speed(devices: list[Any]) -> Finding:
    """What the first device does of the two things that networks are made of."""
    from gan_jax.run.speed import convolution_rate, matrix_product_rate

    try:
        product, convolved = matrix_product_rate(devices[0]), convolution_rate(devices[0])
    except Exception as error:
        return Finding("speed", [], [f"{devices[0].device_kind} cannot compute: {_first_line(error)}"])
    rates = f"{product / 1e9:,.0f} GFLOP/s of matrix products, {convolved / 1e9:,.0f} of 3x3 convolutions"
    return Finding("speed", [f"{rates}, in float32 on one device"], [])


def data(data_dir: Path | None) -> Finding:
    """What tensorflow-datasets has prepared, in its usual folder or another."""
    folder = data_dir.expanduser() if data_dir else (_home() or Path("~")) / "tensorflow_datasets"
    found = sorted(
        file.parent for file in (*folder.glob("*/*/dataset_info.json"), *folder.glob("*/*/*/dataset_info.json"))
    )
    names = [f"{path.relative_to(folder).parent} {path.name}" for path in found]
    where = f"in {_at_home(folder)}"
    wrong = [f"there is nothing prepared {where}, which --data-dir names"] if data_dir and not names else []
    there = [*_in_rows(names), where] if names else [f"nothing prepared {where}; the recipe digits needs none"]
    return Finding("data", there, wrong)


def caches() -> Finding:
    """What is kept for the next start, where, and how much of it."""
    kept = cache.folder()
    programs = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or kept / "programs").expanduser()
    places = {"compiled programs": programs}
    places |= {path.name: path for path in (sorted(kept.iterdir()) if kept.is_dir() else []) if path.name != "programs"}
    there = [f"{_weight(path)} of {name} in {_at_home(path)}" for name, path in places.items()]
    nearest = next(path for path in (kept, *kept.parents) if path.exists())
    wrong = f"nothing can be kept in {_at_home(kept)}: every start compiles anew; name another folder in $GAN_JAX_CACHE"
    return Finding("caches", there, [] if os.access(nearest, os.W_OK) else [wrong])


def disk() -> Finding:
    """The room in the current folder, where runs go."""
    here = Path.cwd()
    room = shutil.disk_usage(here)
    wrong = [] if os.access(here, os.W_OK) else [f"{_at_home(here)} cannot be written; begin runs with --run elsewhere"]
    wrong += [f"only {in_words(room.free)} are free here: few checkpoints"] if room.free < 1e9 else []
    return Finding("disk", [f"{in_words(room.free)} free of {in_words(room.total)} in {_at_home(here)}"], wrong)


def _requirements(package: str) -> list[str]:
    try:
        return requires(package) or []
    except PackageNotFoundError:
        return []


def _holds(of: Requirement, extra: str = "") -> bool:
    return of.marker is None or of.marker.evaluate({"extra": extra})


def _asked(package: str, extra: str) -> list[Requirement]:
    return [of for of in map(Requirement, _requirements(package)) if _holds(of, extra) and not _holds(of)]


def _versions(extra: str) -> str:
    return ", ".join(f"{of.name} {_version(of.name)}" for of in _asked("gan-jax", extra))


def _missing(package: str, extra: str) -> list[str]:
    """The packages that an extra asks for, and its requirements' extras with it, which are not installed."""
    asked = _asked(package, extra)
    lacks = [of.name for of in asked if _version(of.name) is None]
    return lacks + [
        name for of in asked if of.name not in lacks for more in of.extras for name in _missing(of.name, more)
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _weight(folder: Path) -> str:
    """How much lies below a folder."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return f"{in_words(sum(sizes))} in {len(sizes):,} files" if sizes else "nothing"


def _at_home(path: Path | str) -> str:
    """A path, or several in a text, with the home folder as ~: its owner's name is nobody's business."""
    home = _home()
    return re.sub(rf"{re.escape(str(home))}(?=[/:]|$)", "~", str(path)) if home else str(path)


def _home() -> Path | None:
    """The home folder; None where there is none, as in a container whose user no one has named."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.name else None


def _in_rows(words: list[str], width: int = 90) -> list[str]:
    """Words with commas between, in lines that a terminal shows."""
    rows = [""]
    for word in words:
        rows = [*rows, ""] if len(rows[-1]) + len(word) > width else rows
        rows[-1] += f"{', ' if rows[-1] else ''}{word}"
    return rows


def _first_line(error: BaseException) -> str:
    return [*str(error).splitlines(), type(error).__name__][0][:160]
