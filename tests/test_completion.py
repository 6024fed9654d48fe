"""What a shell is told where TAB is pressed."""

import pytest

from gan_jax import cli
from gan_jax.config import MLP, Config, DataConfig
from gan_jax.config.schema import to_json


@pytest.fixture
def tab(monkeypatch, capsys):
    """`tab(line)`: the words that are offered behind a line."""

    def press(line, rest=""):
        monkeypatch.setenv("COMP_LINE", line + rest)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        assert cli.main(["completion", "gan-jax", "word", "before"]) == 0  # as bash calls it
        return capsys.readouterr().out.split()

    return press


def test_commands_are_those_of_the_command_line(tab):
    assert tab("gan-jax ") == sorted(cli.COMMANDS)
    assert tab("gan-jax tr") == ["train"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gan-jax train fashion", ["fashion_mnist"]),
        ("gan-jax train digits --model.n", ["--model.norm"]),
        ("gan-jax train digits --eve", ["--every.checkpoint", "--every.keep", "--every.log", "--every.sample"]),
        ("gan-jax train digits --hosts.co", ["--hosts.coordinator", "--hosts.count"]),
        ("gan-jax train digits --model s", ["sagan", "sngan", "srgan", "stylegan2"]),
        ("gan-jax train digits --task in", ["inpainting"]),
        ("gan-jax train digits --data fa", ["fashion_mnist"]),
        ("gan-jax train digits --data.name fa", ["fashion_mnist"]),
        ("gan-jax train digits --loss h", ["hinge"]),
        ("gan-jax train digits --evaluate.features ", ["classifier", "inception", "pixels"]),
        ("gan-jax train digits --model r3gan --model.n", []),
        ("gan-jax train digits --task segmentation --task.cl", ["--task.classes"]),
        ("gan-jax train digits --fr", ["--from"]),
        ("gan-jax train digits --from ", []),
        ("gan-jax train digits --data.no", ["--data.no-download", "--data.no-flip"]),
        ("gan-jax train digits --no-r", ["--no-remat"]),
        ("gan-jax report runs/a --no", ["--no-draw"]),
        ("gan-jax report runs/a --ru", []),
        ("gan-jax sample runs/a --la", ["--labels"]),
        ("gan-jax evaluate runs/a --features c", ["classifier"]),
        ("gan-jax sample runs/", []),
        ("gan-jax sample ex", ["example:digits", "example:mnist", "example:shakespeare"]),
        ("gan-jax sample example:mn", ["example:mnist"]),
        ("gan-jax export ex", []),
        ("gan-jax sample runs/a --out ", []),
        ("gan-jax train digits --run ", []),
        ("gan-jax train 'dig", []),
        ("gan-jax nothing --", []),
    ],
)
def test_words_fit_what_is_typed(line, words, tab):
    assert tab(line) == words


def test_groups_with_names_are_offered_by_themselves(tab):
    assert {"--data", "--augment", "--data.name", "--task"} <= set(tab("gan-jax train digits --"))


def test_of_an_empty_line_commands_are_offered(tab):
    assert tab("") == sorted(cli.COMMANDS)


def test_what_stands_behind_the_cursor_does_not_count(tab):
    assert tab("gan-jax train dig", rest=" --steps 5") == ["digits"]


def test_a_run_has_the_options_of_its_own_networks_and_no_file_is_run(tab, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(to_json(Config(data=DataConfig(size=16), model=MLP())))
    (tmp_path / "mine.py").write_text("raise SystemExit(7)")
    assert tab(f"gan-jax train {tmp_path / 'run'} --model.n") == []
    assert tab(f"gan-jax train {tmp_path / 'mine.py'} --model.n") == ["--model.norm"]


@pytest.mark.parametrize(("word", "offered"), [("mn", "mnist"), ("example:mn", "example:mnist")])
def test_a_shell_that_ends_words_at_colons_is_told_what_comes_behind(monkeypatch, capsys, word, offered):
    monkeypatch.setenv("COMP_LINE", "gan-jax sample example:mn")
    assert cli.main(["completion", "gan-jax", word, "sample"]) == 0
    assert capsys.readouterr().out.split() == [offered]


def test_by_itself_it_says_how_to_turn_it_on(monkeypatch, capsys):
    monkeypatch.delenv("COMP_LINE", raising=False)
    for arguments in ([], ["--help"]):
        assert cli.main(["completion", *arguments]) == 0
        assert "complete -o default -C 'gan-jax completion' gan-jax" in capsys.readouterr().out
