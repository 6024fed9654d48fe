"""The live page in a real browser: Playwright, with the distribution's Chromium or its own."""

import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SLIDER = "Bokeh.documents[0].get_model_by_name('direction_1')"
PICTURE = "Array.from(Bokeh.documents[0].get_model_by_name('chosen').renderers[0].data_source.data.image[0]).join()"


@pytest.fixture(scope="module")
def address():
    """Where the page of an example is meanwhile."""
    command = [sys.executable, "-m", "gan_jax", "explore", "example:digits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        server.terminate()


@pytest.fixture
def page():
    """A page of a headless browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    with sync_api.sync_playwright() as playwright:
        try:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        yield browser.new_page()
        browser.close()


def test_a_slider_moves_the_picture_and_no_other_machine_is_asked(page, address):
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.wait_for_function(f"window.Bokeh && Bokeh.documents.length && !{SLIDER}.disabled", timeout=120_000)
    before = page.evaluate(PICTURE)
    handle = page.get_by_role("slider").nth(1)  # the first one is truncation
    handle.focus()
    for _ in range(20):
        handle.press("ArrowRight")
    page.wait_for_function(f"{PICTURE} !== {before!r}", timeout=30_000)
    assert page.evaluate(f"{SLIDER}.value") == pytest.approx(2.0)
    assert all(url.startswith((address, "data:", address.replace("http", "ws"))) for url in asked)
    assert not said


def test_rubbish_and_what_is_too_large_are_refused_with_a_line(page, address):
    page.goto(address)
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "no.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_text("the picture cannot be read: not an image").wait_for(timeout=60_000)
    chooser.set_input_files({"name": "large.png", "mimeType": "image/png", "buffer": b" " * 34_000_000})
    page.get_by_text("large.png: 34.0 MB, of which the page takes 33.6 MB").wait_for(timeout=60_000)
