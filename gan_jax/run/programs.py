"""How XLA compiles what a command computes: to the same bits at every start, and kept for the next."""

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path

from gan_jax.run.cache import folder


def prepare() -> None:
    """Settles how programs are compiled. To be called before JAX computes anything."""
    be_deterministic()
    keep()


SAME_BITS = "--xla_gpu_exclude_nondeterministic_ops"


def be_deterministic() -> None:
    """Has XLA leave out, on a GPU, kernels that add in an order of their own, unless $XLA_FLAGS says otherwise.

    With them a run that was killed goes on to other bits than the run in one piece: the `mnist` recipe on an H200 did,
    and with the flag it did not, even where both were compiled anew (jax 0.11.2, 2026-11-26). A CPU has none.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if SAME_BITS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {SAME_BITS}=true".strip()


def keep() -> None:
    """Has JAX keep compiled programs, unless $JAX_COMPILATION_CACHE_DIR says where, or nowhere.

    Those for a CPU are for its own kind: a home folder may be shared with other machines.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    import jax

    kind = hashlib.sha256(f"{platform.machine()} {_cpu_features()}".encode()).hexdigest()[:12]
    with suppress(OSError):
        (place := folder() / "programs" / kind).mkdir(parents=True, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", str(place))


def _cpu_features() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:  # as on macOS
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
