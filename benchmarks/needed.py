"""What an interpreter lacks, said before anything is measured."""

import ast
import subprocess
import sys
from collections.abc import Iterable


def require(python: str, modules: Iterable[str]) -> None:
    """Raises SystemExit, with how to install them, where an interpreter cannot find modules; imports none of them."""
    names = sorted(set(modules))
    look = f"from importlib.util import find_spec; print([name for name in {names} if find_spec(name) is None])"
    done = subprocess.run([python, "-c", look], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{python} is no Python that works")
    if missing := ast.literal_eval(done.stdout):
        sys.exit(f"{python} has no {', '.join(missing)}; pip install -e '.[benchmark]'")
