"""What every page has: its frame, its looks, its line of what goes on, and how it asks for pictures."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gan_jax.errors import DataError, GanJaxError
from gan_jax.show.explore.turns import Turns
from gan_jax.show.explore.uploads import LARGEST, received

T = TypeVar("T")

PAGE = Path(__file__).parent / "page"


class Desk(NamedTuple):
    """A visitor's page, and the thread that draws for it."""

    document: Any
    status: Any  # a line of text
    turns: Turns
    aside: Turns  # for what takes long
    doing: dict[str, str]  # what has been asked for and is not there yet, by its place

    def tell(self, line: str) -> None:
        """Shows a line in place of the one before."""
        self.status.text, self.status.css_classes = line, []

    def ask(self, place: str, work: Callable[[], T], then: Callable[[T], None], doing: str = "drawing") -> None:
        """Has the work done in its turn, and what comes of it shown; what is wrong is told in a line.

        What was asked for the same place, and has not begun, is not done any more.
        """
        self.doing[place] = doing
        self._tell_of_work()
        self.turns.ask((id(self.document), place), lambda: self._do(place, work, then))

    @property
    def beside(self) -> "Desk":
        """The same desk, where what is asked for does not keep other work waiting."""
        return self._replace(turns=self.aside)

    def _do(self, place: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        try:
            found = work()
        except Exception as error:  # of a device without memory, say: the page must go on
            line = str(error) if isinstance(error, GanJaxError) else f"{type(error).__name__}: {error}"
            self._show(place, lambda: self.tell(line))
        else:
            self._show(place, lambda: then(found))

    def _show(self, place: str, show: Callable[[], None]) -> None:
        """Has something shown by the thread of the page, which alone may change it."""

        def shown() -> None:
            self.doing.pop(place, None)
            self._tell_of_work()
            show()

        with suppress(RuntimeError, AttributeError):  # the server has stopped meanwhile, or the visitor has gone
            self.document.add_next_tick_callback(shown)

    def _tell_of_work(self) -> None:
        """Says what goes on, if it goes on for a while."""
        lines = list(self.doing.values())
        self.status.text, self.status.css_classes = f"{lines[0]}…" if lines else "", ["busy"] * bool(lines)


def desk(document: Any, turns: Turns, aside: Turns) -> Desk:
    """The desk of a page that is empty yet."""
    from bokeh.models.widgets import Paragraph

    return Desk(document, Paragraph(name="status", text="", html_attributes={"role": "status"}), turns, aside, {})


def lay(at: Desk, roots: Sequence[Any], content: str, *, title: str, about: str) -> None:
    """Puts widgets into the places that the template `content` has for their names."""
    from bokeh.themes import Theme

    document = at.document
    for root in (at.status, *roots):
        document.add_root(root)
    document.title = title
    names = [root.name for root in roots]
    looks = (PAGE / "widgets.css").read_text("utf-8")
    attributes = {"UIElement": {"stylesheets": [looks]}, "Slider": {"sizing_mode": "stretch_width"}}
    document.theme = Theme(json={"attrs": attributes})
    document.template = _templates().get_template("page.html")
    script = (PAGE / "upload.js").read_text("utf-8").replace("LARGEST", str(LARGEST))
    style = (PAGE / "style.css").read_text("utf-8")
    document.template_variables.update(content=content, about=about, style=style, script=script, names=names)


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    house = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    house.filters["ours"] = Markup  # what Bokeh or this package wrote, no stranger
    return house


def upload(at: Desk, title: str, heard: Callable[[Any], None]) -> Any:
    """A button that takes a picture; `heard` is given what has come, a file by itself, not read yet."""
    from bokeh.models.widgets import FileInput

    widget = FileInput(name="upload", title=title, accept="image/*")

    def came(attribute: str, old: str, new: str) -> None:
        del attribute, old
        if not new:
            return
        widget.clear()  # so that the same file can be chosen again
        try:
            file = received(new)
        except DataError as error:
            at.tell(str(error))
            return
        heard(file)

    widget.on_change("value", came)
    return widget
