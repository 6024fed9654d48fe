"""The site: `sphinx-build -W --keep-going -b html docs build/site`. It reads these pages and the package's docstrings.

Nothing is loaded from elsewhere when a page is looked at: the theme has no fonts and no scripts but its own, and
formulas become MathML, which browsers lay out themselves.
"""

import ast
import inspect
import os
import re
import sys
import textwrap
from itertools import zip_longest
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

from gan_jax import __version__

project = "gan_jax"
author = copyright = "the gan_jax developers"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["images"]
html_theme = "furo"
html_title = f"gan_jax {__version__}"
html_static_path = html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
pygments_style, pygments_dark_style = "friendly", "monokai"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Notebooks are kept without outputs, and run anew for every site: what they show is what they do.
nb_execution_mode, nb_execution_timeout = "force", 300
nb_execution_raise_on_error = nb_execution_in_temp = nb_merge_streams = True
# They run commands of the environment that builds the site, whether a shell has entered it or not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
html_math_renderer = "mathml"

default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource"}


def as_written(app: Any, what: str, name: str, thing: Any, options: Any, *found: str | None) -> Any:
    """Signatures as the source has them: an argument or a field is `Images`, not what that stands for."""
    del app, name, options, found
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, TypeError):
        return None
    if isinstance(node, ast.ClassDef):
        fields = [ast.unparse(field) for field in node.body if isinstance(field, ast.AnnAssign)]
        return (f"({', '.join(fields)})", None) if fields else None
    if not isinstance(node, ast.FunctionDef):
        return None
    if what == "method" and node.args.args:
        node.args.args.pop(0)
    return f"({ast.unparse(node.args)})", node.returns and ast.unparse(node.returns)


def as_text(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text, not reStructuredText: an indented block is code, and only backticks are markup."""
    del app, name, thing, options
    parts = re.split(r"(\n\n(?: {4}.*\n?|\n(?= {4}))+)", "\n".join(lines))
    prose, code = parts[::2], parts[1::2]
    prose = [re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", re.sub(r"(`[^`]*`)|([*|_\\])", _escaped, part)) for part in prose]
    code = [f"\n\n::\n\n{block.strip(chr(10))}\n" for block in code]
    lines[:] = "".join(p for pair in zip_longest(prose, code, fillvalue="") for p in pair).split("\n")
    if what == "data":
        lines += ["", ":meta hide-value:"]


def _escaped(found: re.Match[str]) -> str:
    return found[1] or "\\" + found[2]


def of_field(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Fields of named tuples that say nothing of themselves, and fields that hold others' functions, are left out."""
    del app, name, skip, options
    others = what == "class" and not getattr(thing, "__module__", "gan_jax").startswith("gan_jax")
    return True if others or str(thing.__doc__).startswith("Alias for field number") else None


def without_aliases(app: Any, tree: nodes.document) -> None:
    """What a type stands for is told by the text beside it."""
    del app
    for paragraph in list(tree.findall(nodes.paragraph)):
        if paragraph.astext().startswith("alias of "):
            paragraph.parent.remove(paragraph)


def inside(app: Any, env: Any, node: Any, text: nodes.Element) -> nodes.Element | None:
    """`penalties.r1` is gan_jax's."""
    if node.get("refdomain") != "py":
        return None
    target, domain = f"gan_jax.{node['reftarget']}", env.domains["py"]
    found = target in domain.objects or target in domain.modules
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, text) if found else None


def formula(self: Any, node: nodes.Node, *, display: bool = False) -> None:
    """MathML of a formula in TeX."""
    self.body.append(tex2mathml(node.astext(), as_block=display))
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls first."""
    block = lambda self, node: formula(self, node, display=True)
    app.add_html_math_renderer("mathml", inline_renderers=(formula, None), block_renderers=(block, None))
    app.connect("autodoc-process-signature", as_written)
    app.connect("autodoc-process-docstring", as_text)
    app.connect("autodoc-skip-member", of_field)
    app.connect("doctree-read", without_aliases)
    app.connect("missing-reference", inside)
    return {"parallel_read_safe": True}
