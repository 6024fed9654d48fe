"""A page on the loopback address: who may ask for it, and how much they may send."""

import errno
import re
import socket
from collections.abc import Callable
from typing import Any

from gan_jax.errors import ConfigError
from gan_jax.show.explore.page import desk
from gan_jax.show.explore.pages import Fill
from gan_jax.show.explore.turns import Turns
from gan_jax.show.explore.uploads import LARGEST

ADDRESS = "127.0.0.1"

OURS, PATHS = (ADDRESS, "localhost"), re.compile(r"/(ws|static/.*)?")
"""What this machine may be called, and what there is to be asked for."""

OVERHEAD = 1 << 20
"""Bytes of a message beside what it sends in base64."""


def listen(fill: Fill, port: int) -> tuple[Any, int]:
    """A server of a page, and its port: a free one for 0. Raises ConfigError for a port that cannot be had.

    Only pages of its own may open a websocket, and only a visitor this page: others that are open in the same browser
    cannot, by whatever name they call this machine. To be started with `start()`; serves while the event loop of this
    thread, `server.io_loop`, runs.
    """
    from bokeh.application import Application
    from bokeh.application.handlers import FunctionHandler
    from bokeh.server.server import BaseServer
    from bokeh.server.tornado import BokehTornado
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop
    from tornado.routing import Rule, RuleRouter

    try:
        listening = socket.create_server((ADDRESS, port))
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise ConfigError(f"port: {port} {why}; choose another, or leave out --port for a free one") from None
    listening.setblocking(False)
    port = listening.getsockname()[1]
    turns, aside = Turns(), Turns()

    def visited(document: Any) -> None:
        fill(desk(document, turns, aside))

    application = BokehTornado(
        {"/": Application(FunctionHandler(visited))},
        extra_websocket_origins=[f"{ADDRESS}:{port}"],
        websocket_max_message_size_bytes=LARGEST * 4 // 3 + OVERHEAD,
    )
    http = HTTPServer(RuleRouter([Rule(_visitors(), application)]), max_buffer_size=2 * (LARGEST * 4 // 3 + OVERHEAD))
    http.add_socket(listening)
    return BaseServer(IOLoop.current(), application, http), port


def _visitors() -> Any:
    """Which requests are a visitor's, or those of the page that he has opened.

    A name of somebody's that leads here would make another page one of ours (DNS rebinding), so that the name counts;
    and browsers say for whom they ask.
    """
    from tornado.routing import Matcher

    class Visitors(Matcher):
        def match(self, request: Any) -> dict[str, Any] | None:
            asks = request.headers.get
            own = asks("Sec-Fetch-Site", "none") in ("none", "same-origin") or asks("Sec-Fetch-Dest") == "document"
            return {} if own and request.host_name in OURS and PATHS.fullmatch(request.path) else None

    return Visitors()


def serve(fill: Fill, port: int, say: Callable[[str], None]) -> None:
    """Serves a page until the process ends, and says where it is. Raises ConfigError as `listen` does."""
    server, port = listen(fill, port)
    server.start()
    say(f"http://{ADDRESS}:{port}/ (Ctrl-C ends it)")
    server.io_loop.start()
