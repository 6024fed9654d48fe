"""The architecture, written down: every import inside gan_jax goes from a higher room to a lower one."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gan_jax"

ROOMS = [
    {"errors", "screen", "sizes", "types"},
    {"images", "memory", "storage", "flops", "layers", "rules", "network", "shares"},
    {"pulls"},
    {
        *(
            "losses",
            "penalties",
            "latent_penalties",
            "replay",
            "supervision",
            "averaging",
            "augment",
            "clipping",
            "freezing",
        ),
        *("data", "metrics", "recomputation", "schedules"),
    },
    {"inputs"},
    {"models", "tasks", "gan"},
    {"parallel", "statistics", "transfer", "config", "latents"},
    {"per_device", "published"},
    {"run"},
    {"show"},
    {"commands"},
    {"cli"},
]
"""From the ground up; those of one floor do not know each other."""

FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)
FILES += sorted(PACKAGE / f"{room}.py" for room in FLOOR if (PACKAGE / f"{room}.py").exists())


def room_of(module):
    return module.split(".")[1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_go_downwards(file):
    own = file.relative_to(PACKAGE).with_suffix("").parts[0]
    for node in ast.walk(ast.parse(file.read_text())):
        if not (isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gan_jax")):
            continue
        modules = [node.module] if "." in node.module else [f"gan_jax.{alias.name}" for alias in node.names]
        for module in modules:
            room = room_of(module)
            if room in ("__version__", own):
                continue
            assert FLOOR[room] < FLOOR[own], f"{file.name} ({own}) imports {module}"


def test_every_room_is_on_a_floor():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__"} == set(FLOOR)


def test_networks_are_initialised_and_applied_in_one_place_each():
    text = (PACKAGE / "network.py").read_text()
    assert text.count("network.init(") == text.count("network.apply(") == 1


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_no_file_grows_out_of_hand(file):
    assert len(file.read_text().splitlines()) <= 350


PROSE = [*PACKAGE.parent.glob("*.md"), *PACKAGE.parent.joinpath("docs").rglob("*.md")]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.relative_to(PACKAGE.parent).as_posix())
def test_prose_is_wrapped_where_code_is(page):
    """But for code, tables, pictures and one unbroken word."""
    prose = re.sub(r"^(`{3,}|:{3,}).*?^\1$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "<", "!"))]
    assert [line for line in lines if len(line) > 120 and re.search(r"\S\s+\S", line[3:])] == []
