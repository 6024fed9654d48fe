"""gan-jax completion: what a shell offers where TAB is pressed."""

import dataclasses
import os
import pkgutil
import re
import shlex
import typing
from importlib import import_module
from typing import Any

from gan_jax import commands, screen
from gan_jax.commands.train import groups_with_names, of_kinds
from gan_jax.config import Config, recipes
from gan_jax.config.hosts import HostsConfig
from gan_jax.config.schema import flatten, kinds
from gan_jax.errors import ConfigError
from gan_jax.show import examples

_HOW = """For options, recipes and names of values at TAB, add to ~/.bashrc

  complete -o default -C 'gan-jax completion' gan-jax

or to ~/.zshrc

  autoload -Uz compinit bashcompinit && compinit && bashcompinit
  complete -o default -C 'gan-jax completion' gan-jax

For fish there is no completion yet.
"""


def main(arguments: list[str]) -> None:
    """Prints what may stand where a shell is (it tells by $COMP_LINE and $COMP_POINT), or how to have it ask."""
    if "COMP_LINE" not in os.environ:
        if arguments and arguments not in (["-h"], ["--help"]):
            raise ConfigError(f"completion takes no arguments, got {' '.join(arguments)}")
        screen.tell(_HOW.rstrip())
        return
    line = os.environ["COMP_LINE"][: int(os.environ.get("COMP_POINT") or 10**6)]
    try:
        words = shlex.split(line)
    except ValueError:  # in the middle of a quotation, where names of files are typed
        return
    begun = words.pop() if words and not line[-1].isspace() else ""
    # bash, which passes what it takes for the word, ends one at a colon, and puts in its place what it is told.
    kept = len(begun) - len(arguments[1]) if len(arguments) > 1 and begun.endswith(arguments[1]) else 0
    screen.tell("\n".join(word[kept:] for word in sorted(_words(words[1:], begun)) if word.startswith(begun)))


def _words(before: list[str], begun: str) -> list[str]:
    """What may come behind these words, of the kind of what has begun; where files may, nothing."""
    found = {module.name: import_module(f"{commands.__name__}.{module.name}") for module in _MODULES}
    found = {name: module for name, module in found.items() if hasattr(module, "main")}
    if not before:
        return [*found]
    schema = getattr(found.get(before[0]), before[0].capitalize(), None)
    if schema is None:
        return []
    values = _config(before) if before[0] == "train" else schema
    if begun.startswith("-"):
        return ["--help", *(f"--{key.replace('_', '-')}" for key in _keys(schema, values))]
    if before[-1].startswith("--"):
        return _values(values, before[-1].removeprefix("--").replace("-", "_"))
    if before == ["train"]:
        return [*recipes.names()]
    return [f"{examples.PREFIX}{name}" for name in examples.names()] if before == ["sample"] else []


def _keys(schema: type, values: Any) -> list[str]:
    """What a command's options are called; what is on or off has two names."""
    own = {f.name: f.default for f in dataclasses.fields(schema)}
    if isinstance(values, Config):
        hosts = flatten(HostsConfig(), "hosts.")
        short = dict.fromkeys(["from", *groups_with_names(values)])
        keys = {key: own[key] for key in own.keys() - {"config", "hosts"}} | short | flatten(values) | hosts
    else:
        keys = {key: own[key] for key in own.keys() - {"run", "runs", "input"}}
    return [*keys, *(re.sub(r"(\w+)$", r"no_\1", key) for key, value in keys.items() if isinstance(value, bool))]


_MODULES = [*pkgutil.iter_modules(commands.__path__)]


def _config(words: list[str]) -> Config:
    """The config that options are of, with the model and task that are named. No .py file, which may do all, is run."""
    named = words[1] if len(words) > 1 else ""
    try:
        known = named in recipes.names() or recipes.is_run(recipes.expand(named))
        return of_kinds(recipes.load(named) if known else Config(), words)
    except ConfigError:
        return Config()


def _values(group: Any, key: str) -> list[str]:
    """The names that a value of a key such as "data.name" may have, if it has names; "data" is its name's."""
    *groups, leaf = key.split(".")
    for part in groups:
        group = getattr(group, part, None)
    inner = getattr(group, leaf, None)
    if hasattr(inner, "name"):
        group, leaf = inner, "name"
    hint = typing.get_type_hints(group if isinstance(group, type) else type(group)).get(leaf)
    if len(several := kinds(hint)) > 1:
        return [*several]
    return [name for part in (hint, *typing.get_args(hint)) for name in typing.get_args(part) if isinstance(name, str)]
