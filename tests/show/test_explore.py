"""The live page: what it draws, without a browser; and its server, asked as a browser asks."""

import asyncio
import base64
import http.client
import io
import re
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.config import Config, DataConfig, Inpainting, MoCoGAN
from gan_jax.config.build import build_gan
from gan_jax.config.translators import Pix2Pix
from gan_jax.errors import ConfigError, DataError
from gan_jax.latents.directions import Directions
from gan_jax.run.sampling import Source
from gan_jax.run.training import abstract_state
from gan_jax.show import examples
from gan_jax.show.explore import canvas, search, studio, translating, uploads
from gan_jax.show.explore.page import Desk
from gan_jax.show.explore.pages import page_of
from gan_jax.show.explore.serving import ADDRESS, listen
from gan_jax.show.explore.studio import LEVELS, Point, moved, on_the_way, with_styles_of
from gan_jax.show.explore.turns import Turns
from gan_jax.show.exported import load, source_of


def noise(height, width, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


def sent(pixels):
    """A picture as a browser sends it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_sheet_knows_which_picture_a_point_is_in():
    laid = canvas.laid(np.stack([noise(4, 6, seed=i) for i in range(5)]), 3)
    for i, around in enumerate(zip(*laid.around(range(5)).values(), strict=True)):
        left, right, top, bottom = around
        assert laid.at((left + right) / 2, (top + bottom) / 2) == i
        rows = slice(int(len(laid.picture) - top), int(len(laid.picture) - bottom))
        np.testing.assert_array_equal(laid.picture[rows, int(left) : int(right)], noise(4, 6, seed=i))
    assert laid.at(18, 1) is None  # the sixth place is empty
    assert laid.at(-1, 5) is None


def test_a_picture_to_download_is_the_one_that_is_shown():
    pixels = noise(5, 7, 3)
    link = canvas.download('a "b" <c>.png', pixels)
    content = re.fullmatch(r'<a href="data:image/png;base64,([^"]*)" download="([^"<>]*)">Download PNG</a>', link)[1]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), pixels)
    shown = canvas.as_rgba(pixels)[::-1].copy().view(np.uint8).reshape(5, 7, 4)
    np.testing.assert_array_equal(shown[..., :3], pixels)


def test_strokes_cover_what_lies_beneath_them():
    covered = canvas.under((20, 30), [[5, 25]], [[15, 15]], 4)  # five pixels from above
    assert covered[5, 15]
    assert not covered[15, 15]
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    assert set(range(3, 7)) <= set(rows) <= set(range(2, 8))
    assert set(range(4, 26)) <= set(columns) <= set(range(2, 28))
    assert not canvas.under((20, 30), [], [], 4).any()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (base64.b64encode(b"no picture").decode(), "the picture cannot be read: not an image"),
        ("", "the picture cannot be read: empty file"),
        ("!!!!", "the picture: came damaged; choose it again"),
        ("A" * (uploads.LARGEST * 4 // 3 + 8), "the picture: 33.6 MB, of which the page takes 33.6 MB"),
        (sent(noise(20, 20)), "the picture: 20x20 pixels, of which the page shows 0.0 million; reduce it"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(content, line):
    with pytest.raises(DataError, match=re.escape(line)):
        uploads.whole(uploads.received(content), 1, most=100)


def test_a_picture_is_brought_to_the_size_of_the_generator():
    assert uploads.fitted(uploads.received(sent(noise(20, 30, 3))), 8, 1).shape == (8, 8, 1)
    with pytest.raises(DataError, match="cannot be read: not an image; choose another"):
        uploads.fitted(uploads.received(base64.b64encode(b"no").decode()), 8, 1)


def test_of_what_is_asked_for_one_place_the_newest_alone_is_done():
    turns, begun, go, done = Turns(), threading.Event(), threading.Event(), []

    def first():
        begun.set()
        go.wait(10)

    turns.ask("first", first)
    assert begun.wait(10)
    for i in range(5):
        turns.ask("slider", lambda i=i: done.append(i))
    finished = threading.Event()
    turns.ask("last", finished.set)
    go.set()
    assert finished.wait(10)
    assert done == [4]


def test_points_move_along_directions_and_mix_by_layers():
    own, other = (Point(np.full((6, 3), value, np.float32), np.eye(2)[i]) for i, value in enumerate((0.0, 1.0)))
    axes = Directions(jnp.zeros(3), jnp.eye(3)[:2], jnp.array([2.0, 3.0]))
    np.testing.assert_allclose(moved(axes, own, [0.5, -1]).at, np.tile([1.0, -3.0, 0.0], (6, 1)))
    thirds = [with_styles_of(own, other, level).at[:, 0] for level in LEVELS]
    np.testing.assert_array_equal(thirds, [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]])


@pytest.fixture(scope="module")
def digits():
    return studio.open_studio(source_of(Path(examples.folder_of("example:digits"))))


def test_samples_are_those_of_the_seed(digits):
    points = digits.samples(3, None)
    drawn = load(examples.folder_of("example:digits")).draw(jax.random.key(3), 20)
    np.testing.assert_allclose(digits.draw(points[:20], 1.0).astype(int), drawn.astype(int), atol=1)
    assert {int(np.argmax(point.told)) for point in digits.samples(3, 7)} == {7}


def test_truncation_draws_to_the_centre(digits):
    points = digits.samples(0, 2)[:2]
    near, middle = digits.draw(points, 0.0), digits.draw(points, 1.0)
    np.testing.assert_array_equal(near[0], near[1])
    assert np.any(middle[0] != middle[1])


def test_a_way_begins_and_ends_at_what_was_kept(digits):
    kept = digits.samples(0, None)[:3]
    for place, point in enumerate(kept):
        found = on_the_way(digits, kept, place)
        np.testing.assert_allclose(found.at, point.at, atol=1e-5)
        np.testing.assert_allclose(found.told, point.told)


def test_directions_change_pictures_more_than_others_do(digits):
    found = digits.directions()
    assert found.axes.shape == (studio.DIRECTIONS, digits.source.gan.latent_size)
    points = digits.samples(5, None)[:4]
    still = digits.draw(points, 1.0).astype(float)
    change = lambda axis: np.mean((digits.draw([p._replace(at=p.at + axis) for p in points], 1.0) - still) ** 2)
    others = np.linalg.qr(np.concatenate([found.axes, np.eye(found.axes.shape[1])]).T)[0].T[studio.DIRECTIONS :]
    assert change(np.asarray(found.axes[0])) > 2 * np.mean([change(axis) for axis in others[:8]])


def test_a_picture_of_the_generator_is_found(digits):
    target = digits.draw(digits.samples(99, 4)[:1], 1.0)[0]
    finder = search.make_finder(digits)
    found = begun = finder.begin(target, 4)
    for _ in range(6):
        found = finder.go_on(found, target)
    far = lambda point: np.mean((digits.draw([point], 1.0)[0].astype(float) - target) ** 2)
    assert far(found.point) < far(begun.point) / 2
    assert int(np.argmax(found.point.told)) == 4


def untrained(config):
    """A generator that has learnt nothing."""
    gan, rng = build_gan(config, 0), np.random.default_rng(0)
    drawn = lambda leaf: rng.normal(0, 0.1, leaf.shape).astype(leaf.dtype)
    weights = jax.tree.map(drawn, abstract_state(config, 0).generator.weights)
    notes = {"classes": [], "counts": None}
    return Source("untrained", config, gan, lambda: weights, notes, (), None, "no weights", Path, [])


def test_a_clip_is_a_film_strip(tmp_path):
    data = DataConfig(name="clips", path=str(tmp_path), size=8, frames=4, channels=1)
    model = MoCoGAN(latent_size=8, generator_width=2, discriminator_width=2, motion=1, memory=2, judged=2)
    opened = studio.open_studio(untrained(Config(data=data, model=model, conditional=False)))
    assert opened.draw(opened.samples(0, None)[:1], 1.0).shape == (1, 8, 4 * 8, 1)
    assert not search.finds(opened)


@pytest.fixture(scope="module")
def inpainter():
    """A translator of digits of 8x8 pixels."""
    config = Config(
        data=DataConfig(name="digits"),
        task=Inpainting(),
        model=Pix2Pix(layers=1, generator_width=4, discriminator_width=2),
        conditional=False,
    )
    return untrained(config)


def test_what_is_painted_over_is_made_anew_and_nothing_else(inpainter):
    translator, given = translating.open_translator(inpainter), noise(8, 8)
    missing = np.zeros((8, 8), bool)
    missing[2:5, 3:6] = True
    made = translating.translate(translator, given, missing)
    np.testing.assert_array_equal(made[~missing], given[~missing])
    assert np.any(made[missing] != given[missing])
    for nothing in (np.zeros_like(missing), np.ones_like(missing)):
        with pytest.raises(DataError, match="is painted over; paint over what is to be made anew, and only that"):
            translating.translate(translator, given, nothing)


def test_transparent_pixels_of_an_upload_are_missing(inpainter):
    pixels = np.concatenate([noise(6, 9, 3), np.full((6, 9, 1), 255, np.uint8)], axis=-1)
    pixels[1:3, 2:4, 3] = 0
    given = translating.read(translating.open_translator(inpainter), uploads.received(sent(pixels)))
    assert given.colours.shape == (6, 9, 1)
    assert [*zip(*np.nonzero(given.missing), strict=True)] == [(1, 2), (1, 3), (2, 2), (2, 3)]


def test_examples_are_held_out_images_and_are_read_only_where_somebody_says(inpainter):
    assert [pixels.shape for pixels in translating.examples(inpainter.config, {})] == [(8, 8, 1)] * translating.EXAMPLES
    elsewhere = replace(inpainter.config, data=DataConfig(name="mine", path="/nowhere", size=8, channels=1))
    found, why = translating.at_hand(elsewhere, {})
    assert not found
    assert "the config names '/nowhere', which is read only if you do, too: --data-path" in why


@pytest.fixture(scope="module")
def port(digits):
    """Where the page of the digits is served meanwhile."""
    fill, found, ready = page_of(digits.source, {}, print), {}, threading.Event()

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        found["server"], found["port"] = listen(fill, 0)
        found["server"].start()
        ready.set()
        found["server"].io_loop.start()
        found["server"].stop()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(120)  # Bokeh is imported
    yield found["port"]
    found["server"].io_loop.add_callback(found["server"].io_loop.stop)
    thread.join(30)


def asked(port, headers=None, path="/"):
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content


def test_the_page_asks_no_other_machine(port):
    status, content = asked(port)
    assert status == 200
    sources = re.findall(r'(?:src|href)="([^"]*)"', content)
    assert any("bokeh" in source for source in sources)
    assert all(source.startswith(("static/", "/static/", "data:")) for source in sources)
    assert "url(http" not in content


def test_it_is_on_the_loopback_address_alone(port):
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # of this machine, too: a server of all addresses would answer


def test_pages_of_others_open_no_websocket(port):
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "http://example.org"}
    assert asked(port, upgrade, "/ws")[0] == 403
    other = {"Host": f"example.org:{port}", "Origin": f"http://example.org:{port}", "Sec-Fetch-Site": "same-origin"}
    assert asked(port, upgrade | other, "/ws")[0] == 404  # a name of theirs that leads here
    assert asked(port, {"Host": f"example.org:{port}"}, "/")[0] == 404
    assert asked(port, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, "/")[0] == 404
    assert asked(port, {}, "/autoload.js?bokeh-autoload-element=1")[0] == 404
    assert asked(port, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, "/")[0] == 200  # a link


def test_a_visitor_who_leaves_while_something_is_drawn_ends_it_for_no_other():
    class Gone:
        def add_next_tick_callback(self, callback):
            raise AttributeError("a document without its session")

    turns, done = Turns(), threading.Event()
    Desk(Gone(), SimpleNamespace(), turns, turns, {})._show("place", lambda: None)
    turns.ask("a mistake", lambda: 1 / 0)
    turns.ask("another", done.set)
    assert done.wait(10)


def test_a_port_that_is_taken_is_named(port):
    with pytest.raises(ConfigError, match=f"port: {port} is taken; choose another, or leave out --port"):
        listen(lambda at: None, port)


@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")  # of Bokeh's client
def test_a_visitor_moves_a_slider_and_uploads_rubbish(port):
    from bokeh.client import pull_session

    with pull_session(url=f"http://{ADDRESS}:{port}/") as session:
        named = session.document.get_model_by_name
        pixels = lambda: np.asarray(named("chosen").renderers[0].data_source.data["image"][0]).copy()

        def until(holds):
            end = time.monotonic() + 120
            session._connection._loop_until(lambda: holds() or time.monotonic() > end)  # takes in what the server sends
            assert holds()

        until(lambda: pixels().shape == (16, 16) and not named("direction_1").disabled)
        before = pixels()
        named("direction_1").value = 3.0
        until(lambda: np.any(pixels() != before))
        named("upload").set_from_json("value", base64.b64encode(b"no picture").decode())
        until(lambda: "not an image" in named("status").text)
