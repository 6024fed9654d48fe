import dataclasses
import re
import typing
from pathlib import Path

import pytest

from gan_jax.config import DCGAN, Config, DataConfig, recipes
from gan_jax.config.build import LOSSES
from gan_jax.config.checks import check
from gan_jax.config.schema import to_json
from gan_jax.errors import ConfigError
from gan_jax.models import dcgan

NAMES = sorted(path.stem for path in recipes.FOLDER.glob("*.py"))


def test_names_are_the_files_of_the_folder():
    assert list(recipes.names()) == NAMES
    assert "digits" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_recipe_loads_checks_and_says_what_it_is(name):
    config = recipes.load(name)
    if config.data.own:  # whose path is the user's to give
        path = "mine.npz" if config.data.floats else "mine"
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, path=path))
    assert check(config) == config
    assert recipes.names()[name].endswith(".")


def test_a_recipe_of_ones_own_is_read_by_path(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("from gan_jax.config import Config\n\ndef get_config():\n    return Config(steps=3)\n")
    assert recipes.load(str(mine)) == Config(steps=3)


def test_a_recipe_may_build_on_another(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import dataclasses\nfrom gan_jax.config import recipes\n\n"
        "def get_config():\n    return dataclasses.replace(recipes.load('digits'), steps=3)\n"
    )
    assert recipes.load(str(mine)).steps == 3


def test_a_run_folder_is_a_recipe(tmp_path):
    config = Config(data=DataConfig(size=32), steps=5)
    (tmp_path / "config.json").write_text(to_json(config))
    assert recipes.load(str(tmp_path)) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def get_config(:", "SyntaxError"),
        ("steps = 3", "no get_config()"),
        ("get_config = 3", "no get_config()"),
        ("def get_config():\n    raise ValueError('no luck')", "get_config() raised ValueError: no luck"),
        ("from gan_jax.config import Config\nget_config = lambda: Config(step=5)", "'step'; did you mean steps?"),
        ("def get_config():\n    return {}", "gave a dict, not a gan_jax.config.Config"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        (
            "from gan_jax.config import Config\ndef get_config():\n    return Config(steps=0, model='dcgn')",
            "steps: expected a whole number from 1, got 0\nmodel: expected one of mlp, dcgan",
        ),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_by_its_path(tmp_path, text, said):
    mine = tmp_path / "mine.py"
    mine.write_text(text)
    with pytest.raises(ConfigError) as refused:
        recipes.load(str(mine))
    assert str(refused.value).startswith(f"{mine}: ")
    told = str(refused.value).replace(". Did you mean 'steps'?", "; did you mean steps?")  # as Python 3.13 has it
    assert said in told
    assert told.count("you mean") <= 1


def test_a_config_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"config\.json"):
        recipes.load(str(tmp_path))


def test_a_name_too_long_for_a_file_is_refused():
    with pytest.raises(ConfigError, match="no recipe"):
        recipes.load("a" * 300)


def test_the_nearest_recipe_is_offered():
    with pytest.raises(ConfigError, match=r"named 'digts'. Did you mean digits\?"):
        recipes.load("digts")


def test_names_in_configs_and_values_behind_them_are_the_same():
    hints = typing.get_type_hints(Config)
    assert set(typing.get_args(hints["loss"])) == set(LOSSES)
    assert DCGAN.sizes == dcgan.SIZES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Mine(Config): pass\nget_config = Mine", "gave a Mine, not a gan_jax.config.Config"),
        (
            "from gan_jax.config import DCGAN\nclass Mine(DCGAN): pass\nget_config = lambda: Config(model=Mine())",
            "model: expected one of mlp, dcgan",
        ),
        ("def get_config():\n    raise GeneratorExit('out')", "get_config() raised GeneratorExit: out"),
        ("raise BaseException('top')", "BaseException: top"),
    ],
)
def test_whatever_a_file_raises_or_gives_is_one_line(tmp_path, text, said):
    mine = tmp_path / "mine.py"
    mine.write_text(f"from gan_jax.config import Config\n{text}\n")
    with pytest.raises(ConfigError, match=re.escape(said)):
        recipes.load(str(mine))


def test_nobodys_home_is_refused():
    with pytest.raises(ConfigError, match="~nobody-of-that-name/x: there is no such user"):
        recipes.load("~nobody-of-that-name/x")


def test_recipes_are_a_folder_at_the_top_of_the_repository():
    top = Path(__file__).parents[2]
    assert top / "configs" == recipes.FOLDER
    assert "get_config" in (recipes.FOLDER / "digits.py").read_text()
