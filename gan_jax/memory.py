"""How much memory there is, so that what cannot fit is refused before any of it is taken."""

from collections.abc import Iterator
from pathlib import Path

from gan_jax.errors import ConfigError, DataError

_MEMINFO = Path("/proc/meminfo")
_OWN_STATUS = Path("/proc/self/status")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that this process may still take: by the kernel's count, or by a container's limit, if that is less.

    Reads /proc/meminfo and control groups of both versions. None where neither says anything, as on macOS.
    """
    known = [bytes_left for bytes_left in (of_machine("MemAvailable"), *_of_groups()) if bytes_left is not None]
    return min(known, default=None)


def limit_of_groups() -> int | None:
    """Bytes that a container, or another control group around this process, has at most; None if none says."""
    limits = (_read(group / files[0]).strip() for group, files in _groups())
    return min((int(limit) for limit in limits if _is_limit(limit)), default=None)


def require_memory(needed: int, what: str, mend: str, *, error: type[ConfigError | DataError] = ConfigError) -> None:
    """Raises `error` if so many bytes are not there. `what` takes them, such as "count: 9 images"; `mend` is advice."""
    free = available_memory()
    if free is not None and needed > free:
        raise error(f"{what} need {in_words(needed)} of memory, {in_words(free)} are free; {mend}")


def in_words(count: int) -> str:
    """A number of bytes for people: "21.4 GB"."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if count >= 1000**power:
            return f"{count / 1000**power:,.1f} {unit}"
    return f"{count / 1000:.1f} kB"


def of_machine(what: str) -> int | None:
    """Bytes by the kernel's count: "MemTotal" or "MemAvailable"; None where it does not count."""
    return _counted(_MEMINFO, what)


def of_process(what: str) -> int | None:
    """Bytes that this process holds now, "VmRSS", or held at most, "VmHWM", by the kernel's count; None without one."""
    return _counted(_OWN_STATUS, what)


def _counted(path: Path, what: str) -> int | None:
    for line in _read(path).splitlines():
        name, _, rest = line.partition(":")
        if name == what:
            return int(rest.split()[0]) * 1024
    return None


def _of_groups() -> list[int | None]:
    """What is left in each control group around this process."""
    return [_left(group, *files) for group, files in _groups()]


def _groups() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Each control group around this process, with its files: of the second version, and of the first."""
    for line in _read(_OWN_GROUPS).splitlines():
        _, controllers, own = line.split(":", 2)
        if not controllers:
            files = ("memory.max", "memory.current", "inactive_file")
            root = _GROUPS
        elif "memory" in controllers.split(","):
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = _GROUPS / "memory"
        else:
            continue
        inside = root / own.lstrip("/")
        # In a container the group's own path may not be there: its root is the group.
        yield from ((group, files) for group in {root, inside, *inside.parents} if group.is_relative_to(root))


def _left(group: Path, limit: str, used: str, cached: str) -> int | None:
    top, taken = _read(group / limit).strip(), _read(group / used).strip()
    if not (_is_limit(top) and taken.isdigit()):
        return None
    stat = dict(line.split(maxsplit=1) for line in _read(group / "memory.stat").splitlines() if " " in line)
    return max(0, int(top) - int(taken) + int(stat.get(cached, 0)))  # what is cached of files is given back when asked


def _is_limit(text: str) -> bool:
    """Whether it is no "max", nor what the first version has for it."""
    return text.isdigit() and int(text) < 1 << 60


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
