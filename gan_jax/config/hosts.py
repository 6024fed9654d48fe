"""Several processes as one run, on hosts of their own or sharing one. No part of the config: no step depends on it."""

from dataclasses import dataclass

from gan_jax.config import Config
from gan_jax.config.ranges import Count, OptionalCount, OptionalIndex


@dataclass(frozen=True)
class HostsConfig:
    """The processes of one run. By default as Cloud TPU, SLURM, Kubernetes or Open MPI say, else this one alone."""

    coordinator: str | None = None
    """ADDRESS:PORT of the first process, where the others find it."""
    count: OptionalCount = None
    """How many processes there are; 1 keeps to this one, whatever its surroundings say."""
    index: OptionalIndex = None
    """Which of them this is, from 0: the first keeps the run's rows, pictures and words."""
    patience: Count = 300
    """Seconds in which all must have come."""
    silence: Count = 100
    """Seconds without a sign of life after which a process counts as dead, and the run ends on all."""

    def wrong(self, config: Config) -> list[str]:
        """What does not go together in here, or with what all hosts train."""
        if self.count == 1 and self.coordinator is None and not self.index:
            return []
        found = []
        told = {"coordinator": self.coordinator, "count": self.count, "index": self.index}
        missing = [f"hosts.{key}" for key, value in told.items() if value is None]
        if 0 < len(missing) < len(told):
            found.append(f"{missing[0]}: missing; coordinator, count and index go together, or all by the surroundings")
        if self.coordinator is not None and not _is_address(self.coordinator):
            found.append(f"hosts.coordinator: expected ADDRESS:PORT, such as 10.0.0.2:12345, got {self.coordinator!r}")
        if self.index is not None and self.count is not None and self.index >= self.count:
            found.append(f"hosts.index: expected 0 to {self.count - 1} of {self.count} processes, got {self.index}")
        if self.count and config.batch_size % self.count:
            found.append(f"batch_size: {config.batch_size} cannot be shared by {self.count} hosts; choose a multiple")
        if self.coordinator and config.parallel == "pmap":
            found.append("parallel: pmap is for the devices of one host; choose jit, whose numbers are the same")
        return found


def _is_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(host and colon and port.isdigit() and 0 < int(port) < 2**16)
