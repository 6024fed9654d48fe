"""Settings for every test: two CPU devices, and silent mistakes made loud."""

import os

# Before JAX is imported. NPROC: forced CPU devices need a thread each, or a collective may wait for ever.
os.environ.setdefault("NPROC", "32")
# Most of the suite's time is compilation, of programs that run once: nothing is gained by making them fast.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

# [4, 1] - [4] -> [4, 4] is a wrong relativistic loss that no error would show.
jax.config.update("jax_numpy_rank_promotion", "raise")
