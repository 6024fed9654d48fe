import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gan_jax import __version__, cli
from gan_jax.commands import train
from gan_jax.config import DCGAN, Config, recipes
from gan_jax.config.schema import flatten, to_json

FILES = {
    "run/config.json": to_json(Config()),
    "broken/config.json": '{"steps": ',
    "unknown/config.json": '{"batchsize": 3}',
    "unfit/config.json": '{"batch_size": 0}',
    "list/config.json": "[1]",
    "pictures/readme.txt": "",
    "raises.py": "def get_config():\n    raise ValueError('no luck')\n",
    "syntax.py": "def get_config(:\n",
    "imports.py": "import no_such_module\n",
    "exits.py": "import sys\nsys.exit(0)\n",
    "without.py": "steps = 3\n",
    "dict.py": "def get_config():\n    return {}\n",
    "unfit.py": "from gan_jax.config import *\nget_config = lambda: Config(batch_size=0, loss='minmax')\n",
}

MISTAKES = [
    (
        "trian digits",
        "no command 'trian'",
        "train, sample, walk, project, apply, encode, evaluate, export, import, report, explore, configs",
        "did you mean train?",
    ),
    ("--nope", "no command '--nope'", "train, sample, walk, project, apply, encode, evaluate, export, import, report"),
    ("configs digits", "configs takes no arguments", "digits"),
    ("train", "train what?", "digits"),
    ("train --steps 3", "the recipe comes first", "gan-jax train RECIPE --steps 3"),
    ("train digit", "named 'digit'", "Did you mean digits? gan-jax configs"),
    ("train nothing-like-it", "named 'nothing-like-it'", "gan-jax configs describes the", "recipes; digits"),
    ("train missing.py", "named 'missing.py'", "gan-jax configs"),
    ("train ''", "named ''", "gan-jax configs"),
    ("train raises.py", "raises.py: get_config() raised ValueError: no luck"),
    ("train syntax.py", "syntax.py: SyntaxError", "line 1"),
    ("train imports.py", "imports.py: ModuleNotFoundError", "no_such_module"),
    ("train exits.py", "exits.py: SystemExit"),
    ("train without.py", "without.py: no get_config()", "def get_config() -> Config"),
    ("train dict.py", "dict.py: get_config() gave a dict, not a gan_jax.config.Config"),
    ("train unfit.py", "batch_size: expected a whole number", "got 0", "'minmax'; did you mean minimax?"),
    ("train broken", "broken/config.json: not JSON", "line 1"),
    ("train unknown", "unknown/config.json: batchsize: no such key; did you mean batch_size?"),
    ("train unfit", "unfit/config.json: batch_size: expected a whole number from 1, got 0"),
    ("train list", "list/config.json", "expected a group of keys, got [1]"),
    ("train run --seed 3", "run holds a run with another config", "seed: 0 there, 3 now"),
    (
        "train run --model.generator-width 8",
        "model.generator_width: 64 there, 8 now",
        "choose another folder with --run",
    ),
    ("train digits --run run", "model.latent_size: 128 there, 64 now", "gan-jax train run"),
    ("train digits --run broken", "broken/config.json: not JSON"),
    ("report", "report which runs?", "gan-jax report RUN_FOLDER"),
    ("report --no-draw", "report which runs?"),
    ("report run nowhere", "nowhere is not a run folder: there is no such folder; gan-jax train makes one"),
    ("report run --out pictures", "out: pictures is a folder; name a file in it", "pictures/report.html"),
    ("report run --out page.pdf", "out: page.pdf should end in .html"),
    ("walk run --out x.avi", "out: x.avi should end in .gif or .mp4 or .png"),
    ("walk run --along 2 --out x.gif", "out: x.gif should end in .png"),
    ("project run x.png --out x.npz", "out: x.npz should end in .png (the .npz lies beside it)"),
    ("walk run --out .gif", "out: .gif is an ending without a name; name a file, such as x.gif"),
    ("project run x.png --out found/.png", "out: found/.png is an ending without a name", "such as found/x.png"),
    ("report run --out .html", "out: .html is an ending without a name"),
    ("sample example:digits --out pictures", "out: pictures holds 'readme.txt', too; name a new folder"),
    ("sample example:digits --out raises.py/x.png", "out: raises.py/x.png would lie in raises.py, which is a file"),
    ("sample example:digits --out pictures/readme.txt/x", "would lie in pictures/readme.txt, which is a file"),
    ("apply run x.png --out raises.py", "out: raises.py is a file; name another place"),
    ("apply run x.png --out /dev/null", "out: /dev/null is a file; name another place"),
    ("apply run x.png --out raises.py/x", "out: raises.py/x would lie in raises.py, which is a file"),
    ("train text", "named 'text'. Did you mean text_wgan_gp?"),
    ("sample example:digits --out .npz", "out: .npz is an ending without a name"),
    ("encode run --out x.png", "out: x.png should end in .npz (one file) or images.npy (a file for each array)"),
    ("apply run x.png --out x.jpg", "out: x.jpg should end in .png (of one picture) or .gif (of one that moves)"),
    ("sample example:digits --out x.jpg", "out: x.jpg should end in .png or .npz or nothing or .txt or .gif"),
    ("export run --out pictures", "out: pictures is not empty; name another folder with --out"),
    ("import x.pkl --out pictures", "out: pictures is not empty; name another folder with --out"),
    ("report run --oot x.html", "no option --oot; did you mean --out?"),
    ("report run --no-drw", "no option --no-drw; did you mean --no-draw?"),
    ("train digits --form runs/a", "no option --form; did you mean --from?"),
    ("train digits --no-condtional", "no option --no-condtional; did you mean --no-conditional?"),
    ("explore", "explore which run? gan-jax explore RUN_FOLDER"),
    ("explore run --port 70000", "port: expected a whole number in [0, 65535], got 70000"),
    ("explore run --prot 1", "no option --prot; did you mean --port?"),
    ("train digits --stesp 5", "no option --stesp; did you mean --steps?"),
    ("train digits --batchsize 5", "no option --batchsize; did you mean --batch-size?"),
    ("train digits --every.smaple 3", "no option --every.smaple; did you mean --every.sample?"),
    (
        "train digits --generator.learning-rat 1",
        "no option --generator.learning-rat; did you mean --generator.learning-rate?",
    ),
    ("train digits --lr 1e-3", "no option --lr; did you mean", "--generator.learning-rate or --discriminator.lea"),
    ("train digits --r1 1", "no option --r1; did you mean --penalty.r1?"),
    ("train digits --model r3gan --model.norm none", "no option --model.norm; it goes with --model dcgan or"),
    ("train digits --task.holes boxes", "no option --task.holes; it goes with --task inpainting (--help lists all)"),
    ("train digits --task inpaintig", "task: expected one of none, super_resolution", "did you mean inpainting?"),
    ("train digits --loss wgan", "loss: expected one of", "did you mean wasserstein?"),
    ("train digits --model.precision bf16", "model.precision: expected one of", "did you mean bfloat16?"),
    ("train digits --model gat --model.unroll 1", "model.unroll: expected True or False or None, got '1'"),
    ("train digits --penalty.by-difference True", "penalty.by_difference: takes no value, got 'True'; write --penalty"),
    ("train digits --augment adaa", "augment.name: expected one of none,", "did you mean ada?"),
    ("train digits --data=minst", "data.name: expected one of digits,", "did you mean mnist?"),
    ("train digits --steps 9223372036854775808", "steps: expected 2,147,483,647 at most"),
    ("train ~nobody-at-all/x", "there is no such user"),
    ("train digits --run raises.py", "run:", "raises.py is a file, and a run is a folder"),
    ("train digits --evaluate.every 5 --evaluate.weights pictures", "evaluate.weights:", "is a folder; name the file"),
    ("train digits --run s3://bucket/run", "is no folder of this machine, nor of a bucket gs://", "--run"),
    ("train digits --run ~nobody-at-all/x", "there is no such user"),
    ("train digits --discriminator-steps 1000000000", "discriminator_steps: expected 100 at most, got 1000000000"),
    (
        "train digits --generator.width 8",
        "no option --generator.width; did you mean --model.generator-width or --generator.base-width?",
    ),
    ("train .", "named '.'", "That folder holds no config.json; the command that began a run there goes"),
    ("train .", "To train on pictures that lie there: gan-jax train pictures --data.path ."),
    ("train digits --dry-run --run .", "holds no run, but ", "which is no part of one; choose a new folder, or"),
    ("train digits --model.width 8", "no option --model.width; did you mean --model.generator-width or --model.disc"),
    ("train digits --model.wdth 8", "no option --model.wdth; did you mean --model.generator-width or --model.disc"),
    ("train digits --start.rn x", "no option --start.rn; did you mean --start.run?"),
    ("train digits --penalty.lzy 2", "no option --penalty.lzy; did you mean --penalty.lazy?"),
    ("train digits --width 8", "no option --width; did you mean", "--model.generator-width"),
    ("train digits --penalty r1", "penalty is a group of settings: --penalty.r1, --penalty.r2"),
    ("train digits --data.clusters 10", "add --no-conditional, or drop --data.clusters"),
    ("train digits --zzz 1", "no option --zzz (--help lists all)"),
    ("train digits extra", "Unrecognized options: extra"),
    (
        "train digits --conditional yes",
        "conditional: takes no value, got 'yes'; write --conditional or --no-conditional",
    ),
    ("train digits --steps", "Missing value for argument '--steps'"),
    ("train digits --batch-size many", "batch_size: expected a whole number, got 'many'"),
    ("train digits --steps 6.5", "steps: expected a whole number, got '6.5'"),
    (
        "train digits --data.size big",
        "data.size: expected pixels on a side, such as 64, or height x width",
        "got 'big'",
    ),
    ("train digits --data.size 30x32", "data.size: model dcgan makes", "not 30x32; try --data.size 32"),
    ("train digits --generator.learning-rate fast", "generator.learning_rate: expected a number, got 'fast'"),
    ("train digits --model dcgn", "model: expected one of mlp,", "got 'dcgn'; did you mean dcgan?"),
    ("train digits --loss wgan", "loss: expected one of minimax, non_saturating, smoothed", "got 'wgan'"),
    ("train digits --data.name minst", "data.name: expected one of digits, mnist,", "got 'minst'; did you mean mnist?"),
    ("train digits --data.channels 2", "data.channels: pictures have 1 (greyscale) or 3 (RGB), not 2"),
    ("train digits --data.on-bad ignore", "data.on_bad: expected one of refuse, skip, got 'ignore'"),
    ("train digits --batch-size 0", "batch_size: expected a whole number from 1, got 0"),
    ("train digits --batch-size -4", "batch_size: expected a whole number from 1, got -4"),
    ("train digits --steps 0", "steps: expected a whole number from 1, got 0"),
    ("train digits --model.latent-size 0", "model.latent_size: expected a whole number from 1, got 0"),
    ("train digits --discriminator-steps 0", "discriminator_steps: expected a whole number from 1, got 0"),
    ("train digits --devices 0", "devices: expected a whole number from 1, got 0"),
    ("train digits --data.size -8", "data.size: expected a whole number from 1, got -8"),
    ("train digits --every.log 0", "every.log: expected a whole number from 1, got 0"),
    ("train digits --every.keep -1", "every.keep: expected a whole number from 1, got -1"),
    ("train digits --model.generator-width 0", "model.generator_width: expected a whole number from 1, got 0"),
    ("train digits --generator.learning-rate 0", "generator.learning_rate: expected a finite", "got 0"),
    ("train digits --generator.learning-rate nan", "generator.learning_rate: expected a finite", "got nan"),
    ("train digits --discriminator.learning-rate inf", "discriminator.learning_rate: expected", "got inf"),
    ("train digits --discriminator.learning-rate -1e-3", "discriminator.learning_rate", "got -0.001"),
    ("train digits --generator.beta1 1.0", "generator.beta1: expected a finite number in [0, 1), got 1.0"),
    ("train digits --discriminator.beta2 1.5", "discriminator.beta2: expected a finite number in [0, 1), got 1.5"),
    ("train digits --generator.epsilon 0", "generator.epsilon: expected a finite number above 0, got 0"),
    ("train digits --run ''", "run: expected a path, got an empty text"),
    ("train digits --average.decay 1", "average.decay: expected a finite number in [0, 1), got 1"),
    ("train digits --penalty.r1 -1", "penalty.r1: expected a finite number from 0, got -1"),
    ("train digits --anneal.learning-rate 1e-5", "anneal.images: expected the images until anneal.learning_rate is"),
    ("train digits --anneal.augment-p 2", "anneal.augment_p: expected a finite number in [0, 1], got 2"),
    ("train digits --penalty.lazy 5", "penalty.lazy: expected a divisor of the batch size 64, got 5"),
    ("train digits --augment.p 0.5", "augment.p: is for --augment ada, ada_cutout or ada_full, not none"),
    ("train digits --average.half-life 0", "average.half_life: expected a finite number above 0, got 0"),
    ("train digits --augment.target 1", "augment.target: expected a finite number in (-1, 1), got 1"),
    ("train digits --seed -1", "seed: expected a whole number in [0, 2**32), got -1"),
    ("train digits --seed 4294967296", "seed: expected a whole number in [0, 2**32), got 4294967296"),
    ("train digits --devices 3", "batch_size: 64 cannot be shared by 3 devices; try 63 or 66"),
    ("train digits --data.size 17", "data.size: model dcgan makes 8, 16,", "not 17; try --data.size 16"),
    ("train digits --model article", "data.size: model article makes 28 pixels, not 16; try --data.size 28"),
    ("train digits --batch-size 1", "batch_size: model dcgan normalises over the batch", "2 or more, got 1"),
    ("train digits --data.path pictures --data.size None", "data.size: your own pictures need a size"),
    ("train digits --data.path ''", "data.path: expected a folder or .zip of pictures"),
    ("train pictures", "data.path: expected a folder or .zip", "got nothing; add --data.path FOLDER-OR-ZIP"),
    ("sample", "sample which run?", "gan-jax sample RUN_FOLDER"),
    ("apply", "apply which run?", "gan-jax apply RUN_FOLDER"),
    ("apply nowhere in.png", "nowhere is not a run folder"),
    ("apply run in.png --maks x", "no option --maks; did you mean --mask?"),
    ("apply run in.png --seed -1", "seed: expected a whole number in [0, 2**32), got -1"),
    ("apply run in.png --mask=", "mask: expected a path, got an empty text"),
    ("project", "project which run?", "gan-jax project RUN_FOLDER"),
    ("walk run --through=", "through: expected a path, got an empty text"),
    ("walk run --by slopes", "by: expected one of covariance, jacobian, weights or None, got 'slopes'"),
    (
        "sample nowhere",
        "nowhere is not a run folder: there is no such folder; gan-jax train makes one",
        "generator.json and generator.safetensors in it",
        "gan-jax export RUN --out FOLDER makes; or example:digits",
    ),
    ("sample runn", "runn is not a run folder: there is no such folder; did you mean run?"),
    ("sample pictures", "pictures is not a run folder: no config.json in it"),
    ("sample raises.py", "raises.py is not a run folder"),
    ("sample run --count 0", "count: expected a whole number from 1, got 0"),
    ("sample run --count 1" + 320 * "0", "count: expected 2,147,483,647 at most"),
    ("evaluate run --samples 1" + 320 * "0", "samples: expected 1,000,000,000 at most"),
    ("evaluate run --features inception --weights ~nobody-at-all/x.pth", "there is no such user"),
    (f"train digits --run {300 * 'a'} --steps 0", "steps: expected a whole number from 1"),
    (f"train digits --evaluate.weights {300 * 'a'}", "evaluate.weights: they are read where a run is scored"),
    ("sample run --count few", "count: expected a whole number or None, got 'few'"),
    ("sample run --cuont 3", "no option --cuont; did you mean --count?"),
    ("sample run --interpolate 1", "interpolate: expected a whole number from 2, got 1"),
    ("sample run --seed -1", "seed: expected a whole number in [0, 2**32), got -1"),
    ("sample run --out x.jpg", "out: x.jpg", ".png", ".npz"),
    ("sample run more", "Unrecognized options: more"),
    ("sample run --bset", "no option --bset; did you mean --best?"),
    ("evaluate", "evaluate which run?", "gan-jax evaluate RUN_FOLDER"),
    ("evaluate nowhere", "nowhere is not a run folder", "gan-jax train"),
    (
        "evaluate run --features inceptoin",
        "features: expected one of classifier, inception, pixels",
        "did you mean inception?",
    ),
    ("evaluate run --count 100", "no option --count; did you mean --samples?"),
    ("train digits --evaluate.weights /w.pth", "evaluate.weights: they are read where a run is scored; add"),
    ("evaluate run --samples 3", "samples: expected a whole number from 20, got 3"),
    ("evaluate run --samples lots", "samples: expected a whole number", "'lots'"),
    ("evaluate run --seed -1", "seed: expected a whole number in [0, 2**32), got -1"),
    ("evaluate run --weights w.pth", "weights: only Inception features", "add --features inception"),
    ("evaluate run --download", "download: only Inception features", "add --features inception"),
    ("evaluate run --wieghts w.pth", "no option --wieghts; did you mean --weights?"),
    ("evaluate run --data-path elsewhere", "data_path: run was trained on digits, not on your own pictures"),
    (
        "train digits --model r3gan --model.generator-width 20",
        "model.generator_width: model r3gan splits 20 channels into no whole groups",
        "try 16",
    ),
    ("train digits --task inpainting --task.perceptual 1", "model: dcgan is not for --task inpainting", "--task.vgg"),
    (
        "train mnist --model r3gan",
        *("data.size: model r3gan makes 8, 16, 32", "try --data.size 32"),
        "of mnist are chosen for dcgan; recipes for r3gan: celeb_a_r3gan, ",
    ),
    ("train digits --evaluate.every 0", "evaluate.every: expected a whole number from 1, got 0"),
    ("train digits --evaluate.samples 5", "evaluate.samples: expected a whole number from 20, got 5"),
    ("train digits --evaluate.best fdi", "evaluate.best: expected one of fid, kid", "did you mean fid?"),
    ("train digits --data.name stacked_mnist --data.channels 1", "data.channels: stacked_mnist is three digits"),
]


def test_the_model_that_a_run_has_keeps_its_settings(workplace, capsys):
    (workplace / "narrow").mkdir()
    (workplace / "narrow/config.json").write_text(to_json(Config(model=DCGAN(generator_width=8))))
    assert run("train narrow --model dcgan --seed 1") == 2
    assert "model" not in capsys.readouterr().err.replace("seed: 0 there, 1 now", "")


def test_a_dry_run_says_how_far_its_run_is_or_that_it_would_be_another(workplace, monkeypatch, capsys):
    previewed = []
    monkeypatch.setattr(train, "_preview", lambda config, hosts: previewed.append(config.steps))
    (workplace / "run/config.json").write_text(to_json(recipes.load("digits")))
    assert run("train digits --run run --dry-run --steps 2001") == 0
    assert "run: going on from step 0 to " in capsys.readouterr().err
    for step in (20, 100):
        (workplace / f"run/checkpoints/{step}").mkdir(parents=True)
        (workplace / f"run/checkpoints/{step}/commit_success.txt").touch()
    assert run("train run --dry-run --steps 120") == 0
    assert "run: going on from step 100 to 120, no longer to " in capsys.readouterr().err
    assert run("train digits --run run --dry-run --seed 1 --penalty.r1 3") == 0
    assert "run holds a run with another config (seed, penalty.r1): what follows is of a new" in capsys.readouterr().err
    assert previewed[-2:] == [120, recipes.load("digits").steps]  # and no longer what the run was to have


LINES = [line for line, *_ in MISTAKES]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.is_file() and path.read_text() for path in folder.rglob("*")}


def run(line):
    try:
        return cli.main(shlex.split(line))
    except SystemExit as left:
        return left.code


def plain(printed):
    """Without the boxes that messages are drawn in, and without their line breaks."""
    return re.sub(r"(?:[│╭╮╰╯─\s]|-{5,})+", " ", printed)


@pytest.mark.parametrize(("line", "fragments"), [(line, said) for line, *said in MISTAKES], ids=LINES)
def test_a_mistake_is_named_and_nothing_is_written(workplace, monkeypatch, capsys, line, fragments):
    loop, evaluation, sampling = (f"gan_jax.run.{name}" for name in ("loop", "evaluation", "sampling"))
    for module in (loop, evaluation, sampling):  # a mistake let through must not begin to train
        monkeypatch.setitem(sys.modules, module, None)
    before = contents(workplace)
    assert run(line) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for fragment in fragments:
        assert fragment in plain(captured.err)
    assert "Traceback" not in captured.err
    assert contents(workplace) == before


def test_mistakes_are_found_without_jax(workplace):
    program = """
import json, shlex, sys
from gan_jax.cli import main

assert "jax" not in sys.modules
sys.modules["jax"] = None  # an import of it is now an error
for line in json.load(sys.stdin):
    try:
        code = main(shlex.split(line))
    except SystemExit as left:
        code = left.code
    assert code == 2, (line, code)
"""
    given = json.dumps(LINES)
    done = subprocess.run([sys.executable, "-c", program], input=given, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr


def test_help_lists_every_key(capsys):
    assert run("train --help") == 0
    shown = plain(capsys.readouterr().out)
    for key in flatten(Config()):
        assert re.search(rf"--{re.escape(key.replace('_', '-'))}[ ,]", shown), key


def test_help_of_a_recipe_shows_its_own_values(workplace, capsys):
    recipe = "from gan_jax.config import Config\nget_config = lambda: Config(steps=4321)\n"
    (workplace / "mine.py").write_text(recipe)
    assert run("train mine.py --help") == 0
    assert "4321" in capsys.readouterr().out


def test_configs_lists_each_recipe_with_a_line(capsys):
    assert run("configs") == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert sorted(lines) == sorted(p.stem for p in Path(recipes.FOLDER).glob("*.py"))
    assert all(lines.values())


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(("line", "code"), [("--help", 0), ("", 2)])
def test_usage_shows_the_commands(capsys, line, code):
    assert run(line) == code
    shown = capsys.readouterr().out
    assert all(f"gan-jax {command}" in shown for command in ("train", "sample", "apply", "configs"))
