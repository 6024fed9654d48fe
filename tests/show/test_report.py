"""Pages about runs: what stands in them, of good folders and of bad ones, and that nothing in them is a stranger's."""

import base64
import hashlib
import io
import json
import os
import re
from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.cli import main
from gan_jax.config import MLP, CadenceConfig, Config, DataConfig, Pix2Pix, Segmentation, recipes
from gan_jax.config.build import LOSSES, build_gan, load_data
from gan_jax.config.schema import flatten, to_json, with_values
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.gan import init
from gan_jax.run.files import RunFolder
from gan_jax.run.pictures import save_grid
from gan_jax.run.sampling import Trained
from gan_jax.run.training import example
from gan_jax.show import drawn, plots, reading
from gan_jax.show.account import LONGEST, differences, facts, read_accounts, settings_of, warnings_of
from gan_jax.show.frames import embedded, read_frames
from gan_jax.show.report import report, scored_by

PROTOCOL = {"features": "pixels", "samples": 30, "reference": "digits"}
ENVIRONMENT = {
    "started": "2026-11-26T00:07:38+0000",
    "command": ["gan-jax", "train", "digits"],
    "devices": "1 x cpu",
    "packages": {"jax": "0.10.2"},
    "data": {"name": "digits", "images": 1797, "classes": ["zero", "one"]},
}


@pytest.fixture
def make_run(tmp_path):
    """`make_run(name, **changed)`: a run folder, made by hand."""

    def make(
        name="run", *, config=None, rows=None, protocol=PROTOCOL, environment=ENVIRONMENT, log="", pixels=4, steps=3
    ):
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        config = config or recipes.load("digits")
        (folder / "config.json").write_text(config if isinstance(config, str) else to_json(config))
        training = [{"step": t, "images": 64 * t, "d/loss": 1 / t, "g/loss": 0.5} for t in range(1, 21)]
        scores = [
            {"step": t, "scores": {"fid": 9.0 / t, "kid": 0.1, "kid_std": 0.01}, "protocol": protocol} for t in (10, 20)
        ]
        lines = training + scores if rows is None else rows
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in lines))
        (folder / "environment.json").write_text(json.dumps([environment]))
        (folder / "log.txt").write_text(log)
        for t in range(steps):
            save_grid(folder / f"samples/step_{t:08d}.png", noise(4, pixels, seed=t), 2)
        save_grid(folder / "real.png", noise(4, pixels, seed=99), 2)
        return folder

    return make


def noise(count, pixels, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, pixels, pixels, 3)).astype(np.uint8)


def written(folders, tmp_path):
    lines = report(folders, tmp_path / "page.html", drawing=False, moved={}, say=print)
    return (tmp_path / "page.html").read_text("utf-8"), lines


class Parsed(HTMLParser):
    """What a browser would find: scripts, what elements refer to, and the text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.references, self.policy, self.text, self.tags = [], [], "", "", []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._inside = tag if tag in ("script", "style") else ""
        self.scripts += [""] * (tag == "script")
        self.references += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attributes)
        if ("http-equiv", "Content-Security-Policy") in attributes:
            self.policy = dict(attributes)["content"]

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.text += data


def test_a_page_says_what_the_run_is(make_run, tmp_path):
    config = with_values(recipes.load("digits"), {"steps": 20, "seed": 7})
    text, lines = written([make_run(config=config)], tmp_path)
    shown = Parsed(text).text
    for fact in ("digits", "20 of 20", "2026-11-26T00:07:38+0000", "1 x cpu", "jax 0.10.2", "1,797 images, 2 classes"):
        assert fact in shown
    assert "30 samples" in shown or json.dumps(PROTOCOL) in shown
    assert lines[-1].endswith("page.html")


def test_a_page_needs_no_network_and_runs_only_the_scripts_it_vouches_for(make_run, tmp_path):
    found = Parsed(written([make_run()], tmp_path)[0])
    assert found.references
    assert all(reference.startswith(("data:image/webp;base64,", "#")) for reference in found.references)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found.scripts]
    allowed = re.fullmatch(
        r"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src(.*)", found.policy
    )
    assert allowed[1].split() == [f"'sha256-{each}'" for each in hashes]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_a_strangers_texts_are_only_texts(make_run, tmp_path):
    rows = [{"step": t, HOSTILE: 1.0, "half of a \ud800 letter": 1.0, "huge": 10**400} for t in (1, 2)]
    rows += [{"step": t, "scores": {HOSTILE: 1.0}, "protocol": {"about": HOSTILE}} for t in (1, 2)]
    environment = ENVIRONMENT | {"devices": HOSTILE, "data": {"name": HOSTILE, "images": 3, "classes": [HOSTILE, "b"]}}
    name = HOSTILE.replace("/", "∕")
    folder = make_run(name, rows=rows, environment=environment, log=f"warning: {HOSTILE}\n")
    (folder / "samples" / "step_00000009.txt").write_text(HOSTILE)
    found = Parsed(written([folder, make_run("other", config='{"steps": 3, "<b>": "<i>"}')], tmp_path)[0])
    assert len(found.scripts) == found.policy.count("'sha256-") == 3
    assert not {"b", "i"} & set(found.tags)
    assert HOSTILE in found.text


def test_what_is_long_is_cut(make_run, tmp_path):
    long = "A" * 100_000
    rows = [{"step": t, long: 1.0} for t in (1, 2)]
    rows += [{"step": t, "scores": {long: 1.0}, "protocol": {"about": long, long: long}} for t in (1, 2)]
    environment = ENVIRONMENT | {"devices": long, "data": {"name": long, "images": 3, "classes": [long, "b"]}}
    given = {"rows": rows, "environment": environment, "log": f"warning {long}\n"}
    text, _ = written([make_run("a", **given), make_run("b", config=json.dumps({long: long}), **given)], tmp_path)
    assert len(max(re.findall("A+", text), key=len)) <= LONGEST
    assert "(100,008 letters)" in text


def test_curves_stand_under_their_own_protocol(make_run):
    """Runs that were judged alike share a chart, others do not, and no chart is another's."""
    folders = [make_run("a"), make_run("b"), make_run("c", protocol=PROTOCOL | {"samples": 31})]
    accounts = read_accounts(folders)
    scored = scored_by(accounts)
    assert [[curve.run for curve in each.panels[0].curves] for each in scored] == [["a", "b"], ["c"]]
    assert scored[0].columns == [("a", 20), ("b", 20)]
    assert scored[0].rows == [("FID ↓", ["0.45", "0.45"]), ("KID ↓", ["0.1 ±0.01", "0.1 ±0.01"])]
    groups = [plots.panels_of_rows(accounts), *(each.panels for each in scored)]
    placed, script = plots.plot(groups)
    assert [[each.panel for each in group] for group in placed] == groups
    titles = [re.search(r'id="([^"]+)"', each.place)[1] for group in placed for each in group]
    assert len(set(titles)) == sum(map(len, groups))
    assert all(place in script for place in titles)


def test_a_run_alone_shows_its_last_steps(make_run):
    (found,) = scored_by(read_accounts([make_run()]))
    assert found.columns == [("run", 10), ("run", 20)]


def test_thinning_keeps_every_peak():
    values = np.random.default_rng(0).normal(size=10_000)
    values[[17, 7_777]] = 50, -60
    steps, kept = plots.thinned(np.arange(10_000.0), values)
    assert len(steps) <= plots.POINTS
    assert {17.0, 7777.0} <= set(steps)
    np.testing.assert_array_equal(kept, values[steps.astype(int)].astype(np.float32))
    assert np.all(np.diff(steps) > 0)


def test_few_values_are_all_drawn():
    steps, kept = plots.thinned(np.arange(30.0), np.ones(30))
    assert len(steps) == len(kept) == 30


def decoded(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2]))))


def test_what_was_enlarged_is_kept_small_and_shown_large():
    small = noise(1, 6, seed=0)[0]
    picture = embedded(small.repeat(8, 0).repeat(8, 1))
    assert (picture.width, picture.height, picture.exact) == (48, 48, True)
    np.testing.assert_array_equal(decoded(picture), small)


def test_grids_that_do_not_fit_lose_detail_then_number(make_run):
    folder = make_run(pixels=70, steps=9)
    roomy, tight, tiny = (read_frames(RunFolder(folder), room) for room in (10**6, 200_000, 20_000))
    assert (len(roomy.frames), roomy.exact) == (9, True)
    assert (len(tight.frames), tight.exact) == (9, False)
    assert 1 <= len(tiny.frames) < 9
    assert tiny.frames[-1].step == 8
    assert tiny.of == 9


def test_what_is_damaged_is_left_out_and_told(make_run, tmp_path):
    folder = make_run()
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of the reader")
    (folder / "samples/step_00000001.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"half of it")
    (folder / "samples/step_00000002.png").unlink()
    (folder / "samples/step_00000002.png").symlink_to(secret)
    os.mkfifo(folder / "samples/step_00000003.txt")
    (folder / "real.png").unlink()
    (folder / "real.txt").symlink_to(secret)
    (folder / "environment.json").write_text("{")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2\n[1]\n{"step": "x"}\n{"step": 21, "d/loss": "<b>", "g/loss": NaN}\n')
    text, lines = written([folder], tmp_path)
    told = "\n".join(lines)
    for part in (
        "step_00000001.png is left out",
        "symbolic link",
        "not a regular file",
        "3 of 26 lines",
        "environment",
    ):
        assert part in told
        assert part in Parsed(text).text
    assert "a secret of the reader" not in text


def test_a_folder_that_links_elsewhere_is_refused(make_run, tmp_path):
    folder = make_run()
    (folder / "log.txt").unlink()
    (folder / "log.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="symbolic link"):
        read_accounts([folder])


def test_a_run_that_has_just_begun_has_a_page(make_run, tmp_path):
    folder = make_run(rows=[], steps=0)
    for name in ("metrics.jsonl", "environment.json", "log.txt", "real.png"):
        (folder / name).unlink()
    text, lines = written([folder], tmp_path)
    assert "metrics.jsonl has no rows yet" in lines[0]
    assert "Nothing has been drawn yet" in Parsed(text).text
    assert len(Parsed(text).scripts) == 1  # no curves, no library


def test_a_page_changes_nothing_in_the_run(make_run, tmp_path):
    folder = make_run()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}
    written([folder], tmp_path)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")} == before


def test_text_is_shown_as_lines(make_run, tmp_path):
    folder = make_run(steps=0)
    (folder / "real.png").unlink()
    (folder / "samples/step_00000000.txt").write_text("To be <or>\n\ufffd not\n")
    (folder / "real.txt").write_text("a real line\n")
    assert "<pre>To be &lt;or&gt;" in (text := written([folder], tmp_path)[0])
    assert "<pre>a real line" in text


def test_runs_of_one_name_are_told_apart(make_run):
    folders = [make_run("one/run"), make_run("two/run")]
    assert [account.name for account in read_accounts(folders)] == ["one/run", "two/run"]


def test_the_same_run_twice_is_refused(make_run):
    folder = make_run()
    with pytest.raises(ConfigError, match="named twice"):
        read_accounts([folder, folder])


def test_a_config_of_another_version_is_shown_as_written(make_run):
    (account,) = read_accounts([make_run(config='{"steps": 30, "data": {"name": "digits"}, "gone": 3}')])
    assert account.config is None
    assert "gone: no such key" in account.notes[0]
    changed, others = settings_of(account)
    assert (changed, [(s.key, s.value) for s in others]) == (
        [],
        [("steps", 30), ("data.name", "digits"), ("gone", 3)],
    )
    assert facts(account)["steps done"] == "20 of 30"


def test_the_speed_is_that_of_the_last_start_that_came_to_its_end(make_run):
    ended = "2026-11-26 15:14:33  9,375 images/s; 4,688 a device; 0.107 s per 1,000; 26 GFLOP/s a device"
    log = f"{ended.replace('9,375', '1')}\n{ended}\n2026-11-26 15:14:34  step 9/9  7 images/s  D 1.0  G 1.0\n"
    (account,) = read_accounts([make_run(log=log)])
    assert facts(account)["speed"] == "9,375 images/s"
    (account,) = read_accounts([make_run("going")])
    assert "speed" not in facts(account)


def test_colours_of_masks_and_losses_are_explained(make_run):
    config = Config(task=Segmentation(classes=3), model=Pix2Pix(), loss="hinge", data=DataConfig(path="/p", size=16))
    (account,) = read_accounts([make_run(config=config)])
    assert reading.of_colours(account) == {"class 0": "#000000", "class 1": "#ff4040", "class 2": "#40ffff"}
    assert reading.of_losses(account).startswith(
        "A discriminator that cannot tell real from made has d/loss 2, and g/loss is then 0;"
    )
    (account,) = read_accounts([make_run("plain")])
    assert not reading.of_colours(account)


@pytest.mark.parametrize("name", reading.UNDECIDED)
def test_losses_that_tell_nothing_are_what_a_report_says(name):
    logits = jnp.full(4, 0.5 if name == "least_squares" else 0.0)
    found = [float(loss(logits, logits)) for loss in (LOSSES[name].discriminator, LOSSES[name].generator)]
    np.testing.assert_allclose(found, reading.UNDECIDED[name], atol=5e-3)


def test_settings_are_marked_where_they_differ_from_the_recipe(make_run):
    (account,) = read_accounts([make_run(config=with_values(recipes.load("digits"), {"seed": 7}))])
    changed, others = settings_of(account)
    moved = {setting.key: setting for setting in changed}
    assert [key for key, setting in moved.items() if setting.moved] == ["seed"]
    assert moved["conditional"].default is False
    assert all(setting.value == setting.default for setting in others)


def test_a_strangers_recipe_is_named_and_not_run(make_run, tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    command = ["gan-jax", "train", str(tmp_path / "evil.py")]
    (account,) = read_accounts([make_run(environment=ENVIRONMENT | {"command": command})])
    assert facts(account)["recipe"] == "evil.py"
    assert not any(setting.moved for setting in settings_of(account)[0])


def test_configs_are_compared_key_by_key(make_run):
    other = with_values(recipes.load("digits"), {"seed": 7, "model": "mlp"})
    found = differences(read_accounts([make_run("a"), make_run("b", config=other)]))
    assert found["seed"] == [0, 7]
    assert found["model"] == ["dcgan", "mlp"]
    assert "steps" not in found


def test_warnings_come_from_the_log_and_from_the_rows(make_run):
    rows = [{"step": t, "d/loss": 0.001} for t in range(1, 30)]
    log = "2026-11-26 00:00:00  step 3\n2026-11-26 00:00:01  checkpoint 4 is damaged (bits); passed over\n"
    found = warnings_of(*read_accounts([make_run(rows=rows, log=log)]))
    assert len(found) == 2
    assert "always wins" in found[0]
    assert "passed over" in found[1]


def test_a_collapse_is_told_once(make_run):
    scores = [{"step": t, "scores": {"recall": r}, "protocol": PROTOCOL} for t, r in ((1, 0.6), (2, 0.1))]
    told = "warning at step 2: recall fell from 0.600 (step 1) to 0.100: the generator loses modes\n"
    assert "step 2: recall fell" in warnings_of(*read_accounts([make_run("silent", rows=scores)]))[0]
    assert warnings_of(*read_accounts([make_run("told", rows=scores, log=told)])) == [told.strip()]


@pytest.fixture(scope="module")
def trained_on_digits():
    """A run on the digits, opened."""
    model = MLP(latent_size=4, generator_width=8, discriminator_width=4)
    config = Config(data=DataConfig(name="digits"), model=model, batch_size=8, conditional=True)
    gan, data = build_gan(config, 10), load_data(config)
    state = init(gan, jax.random.key(0), example(config))
    notes, remarks = {"fingerprint": data.fingerprint, "images": len(data)}, ["checkpoint 9 is damaged; passed over"]
    return Trained(config, gan, state, notes, data.classes, [100] * 10, remarks)


@pytest.fixture
def account(trained_on_digits, make_run, tmp_path, monkeypatch):
    """What its folder tells."""
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(drawn, "open_run", lambda path: trained_on_digits)
    return read_accounts([make_run(config=trained_on_digits.config)])[0]._replace(checkpoints=[0])


def test_a_checkpoint_draws_each_class_and_finds_the_nearest(trained_on_digits, account, monkeypatch):
    remarks = trained_on_digits.remarks
    found = drawn.draw(account, {}, print)
    assert found.notes == remarks
    assert [name for name, _ in found.classes] == [str(digit) for digit in range(10)]
    assert len(found.neighbours) == drawn.SAMPLES
    for neighbours in found.neighbours:
        distances = [distance for _, distance in neighbours.real]
        assert distances == sorted(distances)
        assert neighbours.ratio == distances[0] / distances[1]

    def gone(config):
        raise DataError("digits: gone")

    monkeypatch.setattr(drawn, "load_data", gone)
    monkeypatch.setattr(drawn, "CLASSES", 3)
    without = drawn.draw(account, {}, print)
    assert without.classes == found.classes[:3]
    few = "samples of the first 3 of 10 classes"
    assert without.notes == [*remarks, few, "no nearest real images: digits: gone"]


def test_a_generator_that_draws_nothing_finite_costs_what_it_draws_alone(account, monkeypatch):
    def draw(*given):
        raise RunError("not finite")

    monkeypatch.setattr(drawn, "make_drawer", lambda *given: draw)
    _, *notes = drawn.draw(account, {}, print).notes
    assert notes == ["no samples by class: not finite", "no nearest real images: not finite"]


@pytest.mark.parametrize(
    ("named", "moved", "read"),
    [
        ({}, {}, {"data.data_dir": None}),
        ({}, {"data.data_dir": "/own"}, {"data.data_dir": "/own"}),
        (
            {"data.data_dir": "gs://theirs"},
            {},
            "config names 'gs://theirs', which is read only if you do, too: --data-dir",
        ),
        ({"data.data_dir": "gs://theirs"}, {"data.data_dir": "/own"}, {"data.data_dir": "/own"}),
        ({"data.path": "/"}, {}, "config names '/', which is read only if you do, too: --data-path"),
        ({"data.path": "/"}, {"data.data_dir": "/own"}, "config names '/'"),
        ({"data.path": "/"}, {"data.path": "/own"}, {"data.path": "/own"}),
    ],
)
def test_a_folder_that_only_a_strangers_config_names_is_not_read(account, monkeypatch, named, moved, read):
    asked = []

    def load(config):
        asked.append(flatten(config))
        raise DataError("gone")

    monkeypatch.setattr(drawn, "load_data", load)
    monkeypatch.setattr(drawn, "_by_class", lambda *given: [])
    found = drawn.draw(account._replace(config=with_values(account.config, named)), moved, print)
    if isinstance(read, str):
        assert not asked
        assert read in found.notes[-1]
    else:
        assert [{key: each[key] for key in read} for each in asked] == [read]


def test_nothing_is_drawn_without_a_checkpoint(make_run):
    assert drawn.draw(*read_accounts([make_run()]), {}, print) is None


def test_without_bokeh_the_extra_is_named(make_run, monkeypatch, capsys):
    monkeypatch.setattr("gan_jax.commands.report.find_spec", lambda name: None)
    assert main(["report", str(make_run())]) == 2
    assert "pip install 'gan-jax[report]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_was_trained_has_a_whole_page(trained, tmp_path):
    every = CadenceConfig(log=1, sample=1, checkpoint=2)
    trained(
        Config(data=DataConfig(name="digits"), batch_size=8, steps=2, conditional=True, every=every), tmp_path / "run"
    )
    assert main(["report", str(tmp_path / "run")]) == 0
    shown = Parsed((tmp_path / "run/report.html").read_text("utf-8")).text
    for heading in ("What it makes", "Training", "Scores", "Is it a copy?", "Class by class"):
        assert heading in shown
    assert "Warnings" not in shown
