"""What the doctor says of a machine, and what it finds wrong."""

import os
from collections import namedtuple
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from gan_jax import cli
from gan_jax.run import doctor


def test_old_and_missing_packages_are_named_with_what_to_type():
    needed = [Requirement(text) for text in ("numpy>=99", "no-such-package>=1", "pillow>=1", 'jax>=99; extra == "x"')]
    found = doctor.packages(needed)
    assert any(line.startswith("jaxlib ") or " jaxlib " in line for line in found.there)
    old, missing = sorted(found.wrong, reverse=True)
    assert old.startswith("numpy>=99 is needed, and numpy ")
    assert old.endswith("pip install 'numpy>=99'")
    assert missing.startswith("no-such-package>=1 is needed, and none is installed")


def test_an_extra_lacks_what_the_extras_of_its_requirements_lack(monkeypatch):
    asked = {"ours": ['jax[tpu]>=0.10; extra == "tpu"', "numpy"], "jax": ['no-libtpu==1; extra == "tpu"', "jaxlib"]}
    monkeypatch.setattr(doctor, "_requirements", lambda package: asked.get(package, []))
    assert doctor._missing("ours", "tpu") == ["no-libtpu"]
    assert doctor._missing("ours", "other") == []


def test_an_extra_that_is_there_is_told_with_its_versions(monkeypatch):
    told = SimpleNamespace(get_all=lambda field: ["images", "none"] if field == "Provides-Extra" else None)
    monkeypatch.setattr(doctor, "metadata", lambda package: told)
    asked = {"gan-jax": ['pillow; extra == "images"', 'no-such-package; extra == "none"', "numpy"]}
    monkeypatch.setattr(doctor, "_requirements", lambda package: asked.get(package, []))
    assert doctor.extras().there == [f"with images (pillow {version('pillow')})", "without none (no no-such-package)"]


def test_a_gpu_that_jax_does_not_have_is_missed(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-5e)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    (wrong,) = doctor.devices_of_jax()[0].wrong
    assert wrong.startswith("nvidia-smi has GPU 0: NVIDIA H100, and JAX has no GPU; pip install")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert doctor.devices_of_jax()[0].wrong[0].endswith("unset JAX_PLATFORMS")


def test_prepared_data_are_found_and_nothing_where_something_was_named_is_wrong(tmp_path):
    for name in ("mnist/3.0.1", "imagenet_resized/32x32/0.1.0"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "dataset_info.json").touch()
    names, where = doctor.data(tmp_path).there
    assert names == "imagenet_resized/32x32 0.1.0, mnist 3.0.1"
    assert where.endswith(str(tmp_path))
    assert doctor.data(tmp_path / "other").wrong


def test_the_home_folder_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GAN_JAX_CACHE", raising=False)
    monkeypatch.setenv("XLA_FLAGS", f"--xla_dump_to={tmp_path}/dump")
    told = [*doctor.caches().there, *doctor.surroundings().there, *doctor.data(None).there]
    assert not any(str(tmp_path) in line for line in told)
    assert "XLA_FLAGS=--xla_dump_to=~/dump" in told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/h/al", "~"),
        ("/h/al/x:/h/al", "~/x:~"),
        ("--dump=/h/al/x", "--dump=~/x"),
        ("/h/alice/x", "/h/alice/x"),
        ("/h/al.old", "/h/al.old"),
    ],
)
def test_a_folder_that_only_begins_like_the_home_folder_is_told_whole(path, told, monkeypatch):
    monkeypatch.setenv("HOME", "/h/al")
    assert doctor._at_home(path) == told


def test_a_user_without_a_home_has_findings(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(Path, "expanduser", lambda path: homeless() if str(path)[:1] == "~" else path)
    monkeypatch.delenv("GAN_JAX_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(doctor, "devices_of_jax", lambda: (doctor.Finding("devices", [], []), []))
    found = {finding.about: finding for finding in doctor.examine()}
    assert "nothing prepared" in found["data"].there[0]
    assert found["disk"].there
    assert found["caches"].there or found["caches"].wrong


def test_a_working_folder_that_has_gone_is_wrong(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(doctor, "devices_of_jax", lambda: (doctor.Finding("devices", [], []), []))
    *_, disk = doctor.examine()
    assert disk.wrong == ["disk cannot be looked at: [Errno 2] No such file or directory"]


@pytest.mark.parametrize(("preferred", "wrong"), [("UTF-8", 0), ("ANSI_X3.4-1968", 1)])
def test_a_locale_of_few_letters_is_wrong(preferred, wrong, monkeypatch):
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: preferred)
    assert len(doctor.system().wrong) == wrong


def test_a_folder_that_is_full_or_cannot_be_written_is_wrong(monkeypatch):
    usage = namedtuple("usage", "free total")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**8, 10**12))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert [line.split(" ")[1] for line in doctor.disk().wrong] == ["cannot", "100.0"]
    assert doctor.caches().wrong


def test_it_ends_with_what_is_wrong_and_a_device_that_fails_does_not_end_it(tmp_path, monkeypatch, capsys):
    def fails():
        raise RuntimeError("no backend\nmore of it")

    monkeypatch.setattr("jax.local_devices", fails)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["doctor", "--data-dir", "nowhere"]) == 1
    told, ended = capsys.readouterr()
    assert ended == f"gan-jax: {told.count('  - ')} things are wrong, above\n"
    assert told.startswith("system     gan-jax ")
    assert "\ndisk  " in told
    assert "\n  - JAX finds no device: no backend\n" in told
    assert f"nothing prepared in {Path('nowhere')}, which --data-dir names" in told
    assert "speed" not in told
