"""How much memory there is, as the files of the kernel say."""

import pytest

from gan_jax import memory
from gan_jax.errors import ConfigError, DataError

MEMINFO = "MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n"


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Writes files that stand for those of the kernel."""
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "_OWN_STATUS", tmp_path / "status")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def write_group(tmp_path, folder, **files):
    (tmp_path / "groups" / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (tmp_path / "groups" / folder / name.replace("__", ".")).write_text(text)


def test_where_nothing_is_said_nothing_is_known(kernel):
    assert memory.available_memory() is None
    memory.require_memory(10**30, "all", "less")


def test_the_machine_says_what_is_available(kernel):
    kernel(meminfo=MEMINFO)
    assert memory.available_memory() == 20_480_000_000


def test_the_kernel_counts_what_a_process_holds_and_held(kernel):
    assert memory.of_process("VmRSS") is None
    kernel(status="Name:\tpython\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n")
    assert (memory.of_process("VmRSS"), memory.of_process("VmHWM")) == (1_024_000, 2_048_000)


def test_a_container_of_the_second_version_has_less(kernel, tmp_path):
    kernel(meminfo=MEMINFO, own="0::/\n")
    write_group(tmp_path, "", memory__max="4000000000\n", memory__current="3000000000\n")
    write_group(tmp_path, "", memory__stat="anon 5\ninactive_file 500000000\n")
    assert memory.available_memory() == 1_500_000_000


def test_the_least_of_the_groups_around_counts_and_max_is_no_limit(kernel, tmp_path):
    kernel(meminfo=MEMINFO, own="0::/user/job\n")
    write_group(tmp_path, "user/job", memory__max="max\n", memory__current="7\n")
    write_group(tmp_path, "user", memory__max="1000\n", memory__current="200\n")
    assert memory.available_memory() == 800


def test_a_container_of_the_first_version_has_less(kernel, tmp_path):
    kernel(meminfo=MEMINFO, own="5:cpu,cpuacct:/x\n4:memory:/docker/abc\n")
    write_group(tmp_path, "memory", memory__limit_in_bytes="2000\n", memory__usage_in_bytes="1500\n")
    write_group(tmp_path, "memory", memory__stat="inactive_file 7\ntotal_inactive_file 100\n")
    assert memory.available_memory() == 600
    write_group(tmp_path, "memory", memory__limit_in_bytes="9223372036854771712\n")
    assert memory.available_memory() == 20_480_000_000


@pytest.mark.parametrize("error", [ConfigError, DataError])
def test_what_does_not_fit_is_refused_with_both_figures(kernel, error):
    kernel(meminfo=MEMINFO)
    memory.require_memory(20_480_000_000, "count: 3 images", "draw fewer", error=error)
    with pytest.raises(error, match=r"count: 3 images need 3\.0 TB of memory, 20\.5 GB are free; draw fewer"):
        memory.require_memory(3 * 10**12, "count: 3 images", "draw fewer", error=error)


def test_the_least_limit_is_told_where_there_is_one(kernel, tmp_path):
    kernel(meminfo=MEMINFO, own="0::/user/job\n")
    write_group(tmp_path, "user/job", memory__max="max\n")
    assert memory.limit_of_groups() is None
    write_group(tmp_path, "user", memory__max="1000\n")
    assert memory.limit_of_groups() == 1000
    assert memory.of_machine("MemTotal") == 24_576_000_000
