"""What a run folder tells of its run. It may be a stranger's, damaged, or still growing: it is read, never written."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from gan_jax.config import Config, recipes
from gan_jax.config.schema import flatten, name_of, with_values
from gan_jax.errors import ConfigError, RunError, printable
from gan_jax.run.checkpoints import committed
from gan_jax.run.files import RunFolder, read
from gan_jax.run.logs import read_rows
from gan_jax.run.scoreboard import Evaluation, by_protocol, read_all
from gan_jax.run.watch import alarms

Row = dict[str, float]
"""The finite numbers of a row of metrics.jsonl, "step" among them, by name."""


class Account(NamedTuple):
    """A run, as far as its folder tells."""

    name: str  # that no other run of the page has
    folder: RunFolder
    config: Config | None  # None if this version cannot read it
    settings: dict[str, Any]  # by flat key
    starts: list[dict[str, Any]]  # of environment.json, oldest first
    rows: list[Row]  # of training
    evaluations: list[Evaluation]
    log: list[str]
    checkpoints: list[int]  # their steps
    notes: list[str]  # what could not be read

    @property
    def step(self) -> int:
        """How far the run has come."""
        rows = [int(self.rows[-1]["step"])] if self.rows else []
        return max([0, *rows, *self.checkpoints, *(e.step for e in self.evaluations)])


def read_accounts(paths: Sequence[Path]) -> list[Account]:
    """Reads run folders. Raises ConfigError if one is named twice, RunError if one cannot be read, or links."""
    folders = [RunFolder(path) for path in paths]
    for folder in folders:
        if sum(folder.path == other.path for other in folders) > 1:
            raise ConfigError(f"runs: {folder.path} is named twice; name each run once")
        folder.refuse_links()
    return [_account(folder, name) for folder, name in zip(folders, _told_apart(folders), strict=True)]


def _told_apart(folders: Sequence[RunFolder]) -> list[str]:
    """Each folder's name, with as many of those above it as tell all apart."""
    parts = [[part for part in str(folder.path).split("/") if part] for folder in folders]
    names: list[str] = []
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            break
    return [printable(name) for name in names]


def _account(folder: RunFolder, name: str) -> Account:
    notes: list[str] = []
    config, settings = None, {}
    try:
        config = recipes.load_run(folder.path)
        settings = _short_all(flatten(config))
    except ConfigError as error:
        why = str(error).removeprefix(f"{folder.config}: ")
        notes.append(f"config.json cannot be read by this version of gan-jax ({why}); it is shown as it is written")
        with suppress(ValueError, RecursionError, RunError):
            settings = _short_all(dict(_leaves(json.loads(read(folder.config) or b""))))
    content = read(folder.metrics) or b""
    found = read_rows(folder.metrics)
    written = sum(bool(line.strip()) for line in content.split(b"\n"))
    if damaged := written - len(found):
        notes.append(f"{damaged} of {written} lines of metrics.jsonl are no whole rows, and are left out")
    if not found:
        notes.append("metrics.jsonl has no rows yet: there are no curves")
    rows = [row for each in found if "protocol" not in each and "step" in (row := _numbers(each))]
    evaluations = [
        e._replace(scores=_numbers(e.scores), protocol=_short_all(e.protocol))
        for e in read_all(folder.metrics)
        if 0 <= e.step < _MOST
    ]
    log = [short(line) for line in (read(folder.log) or b"").decode("utf-8", "replace").splitlines()]
    steps: list[int] = []
    try:
        steps = committed(folder.checkpoints)
    except RunError as error:
        notes.append(str(error))
    starts = _starts(folder, notes)
    notes = [short(note) for note in notes]
    return Account(name, folder, config, settings, starts, rows, evaluations, log, steps, notes)


LONGEST = 500
"""Letters of a line, a name or a value that are kept: a page is for people to read."""


def short(value: Any) -> Any:
    """A value, or the beginning of one that has more letters."""
    text = str(value)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} letters)"


def _short_all(values: dict[str, Any]) -> dict[str, Any]:
    return {short(name): short(value) for name, value in values.items()}


_MOST = 2**53
"""Steps and values beyond this are no run's, and no curve could show them."""


def _numbers(row: dict[str, Any]) -> Row:
    finite = lambda value: type(value) in (int, float) and -_MOST < value < _MOST
    return {short(name): value for name, value in row.items() if finite(value) and (name != "step" or value >= 0)}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """What lies in nested dicts, by keys such as "data.size"."""
    if not isinstance(value, dict):
        yield key, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, f"{key}.{name}" if key else name)


def _starts(folder: RunFolder, notes: list[str]) -> list[dict[str, Any]]:
    content = read(folder.environment)
    if content is None:
        return []
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        notes.append("environment.json is damaged: when the run was begun, on what, and on which data is not known")
        return []
    return [start for start in found if isinstance(start, dict)]


def recipe_of(account: Account) -> str | None:
    """The recipe that a run was begun with: one of ours by its name, another by its file's; None if nothing says so."""
    for start in account.starts:
        match start.get("command"):
            case [str(), "train", str(recipe), *_] if recipe in recipes.names():
                return recipe
            case [str(), "train", str(recipe), *_] if recipe.endswith(".py"):
                return Path(recipe).name
    return None


def facts(account: Account) -> dict[str, str]:
    """What the run is, in a few words each."""
    first: dict[str, Any] = account.starts[0] if account.starts else {}
    last: dict[str, Any] = account.starts[-1] if account.starts else {}
    data, packages = last.get("data"), last.get("packages")
    asked = account.settings.get("steps")
    task = account.config.task.called if account.config else account.settings.get("task.name")
    found = {
        "recipe": recipe_of(account),
        "task": None if task == "none" else task,
        "steps done": f"{account.step:,}" + (f" of {asked:,}" if type(asked) is int and asked > 0 else ""),
        "begun": first.get("started"),
        "last start": last.get("started") if len(account.starts) > 1 else None,
        "devices": last.get("devices"),
        "speed": _speed(account.log),
        "data": _data(data, account.config) if isinstance(data, dict) else account.settings.get("data.name"),
        "versions": ", ".join(f"{k} {v}" for k, v in packages.items()) if isinstance(packages, dict) else None,
        "Python": last.get("python"),
        "system": last.get("platform"),
    }
    return {name: str(short(value)) for name, value in found.items() if value is not None}


def _speed(log: Sequence[str]) -> str | None:
    """Images a second of the last start that came to its end, which then says it; of all devices together."""
    found = [said[1] for line in log if (said := re.search(r"([\d,]+ images/s); .*s per 1,000", line))]
    return found[-1] if found else None


def _data(data: dict[str, Any], config: Config | None) -> str:
    count, classes = data.get("images"), data.get("classes")
    things = {"text": "pieces", "clips": "clips"}.get(config.data.kind if config else "", "images")
    told = f"{data.get('name')}: {count:,} {things}" if type(count) is int else f"{data.get('name')}"
    return f"{told}, {len(classes)} classes" if isinstance(classes, list) and classes else told


class Setting(NamedTuple):
    """A key of the config."""

    key: str
    value: Any
    default: Any
    recipe: Any
    moved: bool  # whether it was set for this run, to something else than in a recipe of ours


def settings_of(account: Account) -> tuple[list[Setting], list[Setting]]:
    """Settings that differ from the defaults, or a recipe's, and all others; of a config that is not known none do."""
    if account.config is None:
        return [], [Setting(key, value, None, None, moved=False) for key, value in account.settings.items()]
    chosen = {"model": name_of(account.config.model), "task": name_of(account.config.task)}
    # Settings of a model have that model's defaults; the model itself has the config's.
    default = flatten(with_values(Config(), chosen)) | {key: flatten(Config())[key] for key in chosen}
    recipe = recipe_of(account)
    of_recipe = flatten(recipes.load(recipe)) if recipe in recipes.names() and recipe else {}
    every = [
        Setting(key, value, default.get(key), of_recipe.get(key), moved=of_recipe.get(key, value) != value)
        for key, value in account.settings.items()
    ]
    differs = lambda setting: setting.value != setting.default or setting.moved
    return [s for s in every if differs(s)], [s for s in every if not differs(s)]


def differences(accounts: Sequence[Account]) -> dict[str, list[Any]]:
    """The keys of which not all configs have the same value, and each one's; what one has not is empty."""
    keys = dict.fromkeys(key for account in accounts for key in account.settings)
    found = {key: [account.settings.get(key, "") for account in accounts] for key in keys}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def warnings_of(account: Account) -> list[str]:
    """What a person should know: lines of the log that warn, and alarms of rows and scores that it has not told."""
    told = list(dict.fromkeys(line for line in account.log if any(word in line.lower() for word in _WARNING)))
    log = "\n".join(told)
    found = [f"step {step}: {alarm}" for step, alarm in _alarms(account) if alarm not in log]
    few = [f"{len(told) - SHOWN} more lines of log.txt before these"] if len(told) > SHOWN else []
    return [*found, *few, *told[-SHOWN:]]


_WARNING = ("warning", "passed over", "damaged", "set aside", "not finite", "could not", "cannot")
"""What a line of log.txt says that warns."""

SHOWN = 20
"""Lines of log.txt that are shown at most."""


def _alarms(account: Account) -> Iterator[tuple[int, str]]:
    """Those of each evaluation beside earlier ones of its protocol, and those of the newest rows."""
    plays = account.settings.get("loss") != "none"
    losses = [row for row in account.rows if "d/loss" in row and plays]
    for group in by_protocol(account.evaluations):
        for i, now in enumerate(group):
            since = group[i - 1].step if i else -1
            between = [row for row in losses if since < row["step"] <= now.step]
            yield from ((now.step, alarm) for alarm in alarms(group[:i], now, between))
    newest = losses[-max(3, math.ceil(len(losses) / 20)) :]
    if newest and newest[-1]["step"] > max((e.step for e in account.evaluations), default=-1):
        now = Evaluation(int(newest[-1]["step"]), {}, {})
        yield from ((now.step, alarm) for alarm in alarms([], now, newest))
