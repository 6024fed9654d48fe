"""Several processes as one run: what one of them does for all, and what all must agree on.

Alone, all of this is what it says of one, and no other file of the shell asks how many processes there are. What hosts
tell each other goes through the coordination service that JAX starts with them, which needs no device.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

import jax
import numpy as np
from jax._src.distributed import global_state

from gan_jax.errors import ConfigError, DataError, DivergedError, GanJaxError, RunError, Stopped

T = TypeVar("T")


def several() -> bool:
    """Whether other processes are in this run."""
    return jax.process_count() > 1


def is_first() -> bool:
    """Whether this process keeps what the run tells."""
    return jax.process_index() == 0


def by_first(do: Callable[[], T]) -> T:
    """What `do` returns, as JSON holds it, or raises of our errors on the first host, where alone it is done."""
    if not several():
        return do()
    return _settle(_outcome(do) if is_first() else None, lambda outcomes: outcomes[0])


def arrays_by_first(do: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The same for named arrays; a few megabytes of them at most."""
    if not several():
        return do()

    def packed() -> str:
        buffer = io.BytesIO()
        np.savez(buffer, **do())  # type: ignore[arg-type]
        return base64.b64encode(buffer.getvalue()).decode()

    with np.load(io.BytesIO(base64.b64decode(by_first(packed))), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@contextmanager
def together() -> Iterator[None]:
    """Around what every host does by itself: where it fails on one, it fails on all, once all are through."""
    if not several():
        yield
        return
    own: dict[str, Any] = {"answer": None}
    try:
        yield
    except GanJaxError as error:
        own = _wrong(error, f"host {jax.process_index()}: ")
    _settle(own, lambda outcomes: next((found for found in outcomes if "wrong" in found), own))


def all_of(own: bool) -> bool:
    """Whether every host says yes."""
    if not several():
        return own
    return _settle(own, lambda said: {"answer": all(said)})


def must_agree(facts: Mapping[str, str], *, mend: str) -> None:
    """Raises ConfigError on every host unless all have the same values, with the first key in which they differ."""
    if not several():
        return

    def compare(found: Sequence[dict[str, str]]) -> dict[str, Any]:
        for key in facts:
            for index, theirs in enumerate(found):
                if (one := found[0].get(key)) != (other := theirs.get(key)):
                    return _wrong(ConfigError(f"{key}: host 0 has {one}, host {index} has {other}; {mend}"))
        return {"answer": None}

    _settle(dict(facts), compare)


def tell(key: str, text: str, *, again: bool = False) -> None:
    """Says something to all hosts; once for each key, unless `again`."""
    _client().key_value_set(f"gan_jax/{key}", text, allow_overwrite=again)


def told(under: str) -> dict[str, str]:
    """All that any host has said under a key that ends in "/", by what stands behind it."""
    return {key.rpartition("/")[2]: said for key, said in _client().key_value_dir_get(f"gan_jax/{under}")}


def _client() -> Any:
    return global_state.client  # JAX has no public way to its key-value store


def _settle(own: Any, judge: Callable[[list[Any]], dict[str, Any]]) -> Any:
    """Every host says its own; the first judges of all of it; all get, or raise, what it found."""
    turn = next(_turns)
    tell(f"{turn}/{jax.process_index()}", json.dumps(own))
    if is_first():
        said = [json.loads(_await(f"{turn}/{index}")) for index in range(jax.process_count())]
        tell(f"{turn}/found", json.dumps(judge(said)))
    found = json.loads(_await(f"{turn}/found"))
    if "wrong" in found:
        if (number := found["code"] - 128) > 0:
            raise Stopped(found["wrong"], number)
        raise _KINDS.get(found["code"], RunError)(found["wrong"])
    return found["answer"]


def _await(key: str) -> str:
    """What another host will say, however long it takes; in parts, so that signals are heard meanwhile."""
    while True:
        try:
            return _client().blocking_key_value_get(f"gan_jax/{key}", 1000)
        except jax.errors.JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise


_turns = count()  # every host asks the same questions in the same order
_KINDS = {kind.exit_code: kind for kind in (ConfigError, DataError, DivergedError, RunError)}


def _outcome(do: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"answer": do()}
    except GanJaxError as error:
        return _wrong(error)


def _wrong(error: GanJaxError, where: str = "") -> dict[str, Any]:
    return {"wrong": f"{where}{error}", "code": error.exit_code}
