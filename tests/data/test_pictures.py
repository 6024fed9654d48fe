import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import pictures
from gan_jax.errors import DataError


def encoded(colour=(10, 100, 200), *, size=(6, 6), mode="RGB", kind="PNG", **options):
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, kind, **options)
    return stream.getvalue()


def noise(kind):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


def folder_of(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return str(path)


def zip_of(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


@pytest.fixture(params=["folder", "zip"])
def packed(request, tmp_path):
    """Puts files where `pictures.load` can read them."""
    if request.param == "zip":
        return lambda files: zip_of(tmp_path / "mine.zip", files)
    return lambda files: folder_of(tmp_path / "mine", files)


def load(path, size=6, channels=3, **options):
    return pictures.load(path, size=size, channels=channels, **options)


def refusal(path, **options):
    with pytest.raises(DataError) as refused:
        load(path, **options)
    return str(refused.value)


def test_folder_and_zip_are_the_same_dataset(tmp_path):
    files = {f"{kind}/{i}.png": encoded((i, 0, 0)) for kind in ("dog", "cat") for i in range(3)}
    files["cat/10.jpg"] = encoded(kind="JPEG")
    folder, archive = load(folder_of(tmp_path / "mine", files)), load(zip_of(tmp_path / "mine.zip", files))
    assert folder.fingerprint == archive.fingerprint
    assert len(folder) == 7


def test_pictures_come_in_the_order_of_their_names(packed):
    data = load(packed({f"{name}.png": encoded((i, 0, 0)) for name, i in (("b", 2), ("c", 3), ("a", 1))}))
    assert data.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert (data.labels, data.classes) == (None, ())


def test_top_sub_folders_are_classes(packed):
    data = load(packed(dict.fromkeys(["dog/b.png", "cat/c.png", "dog/1/a.png"], encoded())))
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 1]


def test_a_folder_around_everything_is_no_class(packed):
    data = load(packed({"all/mine/cat/a.png": encoded(), "all/mine/dog/b.png": encoded()}))
    assert data.classes == ("cat", "dog")


@pytest.mark.parametrize("names", [("d/a.png", "d/b.png"), ("a.png", "d/b.png"), ("d/a.png", "d/cat/b.png")])
def test_pictures_outside_of_sub_folders_have_no_classes(packed, names):
    assert load(packed(dict.fromkeys(names, encoded()))).classes == ()


def test_pictures_of_mixed_sizes_modes_and_formats_become_one_array(packed):
    files = {
        "01.png": encoded((255, 0, 0, 0), mode="RGBA", size=(9, 30)),
        "02.png": encoded(77, mode="L", size=(3, 2)),
        "03.gif": encoded((10, 100, 200), kind="GIF"),
        "04.png": encoded(77 * 257, mode="I;16"),
        "05.png": encoded(1, mode="1"),
        "06.jpg": encoded((0, 255, 255, 0), mode="CMYK", kind="JPEG", quality=100),
        "07.png": encoded((77, 255), mode="LA"),
        "08.webp": encoded(kind="WEBP", lossless=True, size=(7, 7)),
        "09.BMP": encoded(kind="BMP", size=(40, 4)),
        "10.tiff": encoded(kind="TIFF"),
        "11.ppm": encoded(kind="PPM"),
    }
    data = load(packed(files))
    grey, blue = [77, 77, 77], [10, 100, 200]
    expected = [[255] * 3, grey, blue, grey, [255] * 3, [255, 0, 0], grey, *[blue] * 4]
    assert data.images.shape == (11, 6, 6, 3)
    assert np.abs(data.images[:, 3, 3].astype(int) - expected).max() <= 2


def test_one_channel_is_grey(packed):
    assert load(packed({"a.png": encoded((255, 0, 0))}), channels=1).images[0, 0, 0].tolist() == [76]


def test_a_photograph_stands_as_its_camera_was_held(packed):
    exif = Image.Exif()
    exif[0x0112] = 3  # taken upside down
    picture = Image.new("L", (6, 6))
    picture.paste(255, (0, 0, 6, 3))
    stream = io.BytesIO()
    picture.save(stream, "PNG", exif=exif)
    upright = load(packed({"a.png": stream.getvalue()}), channels=1).images[0, :, 0, 0]
    assert upright.tolist() == [0, 0, 0, 255, 255, 255]


def test_hidden_and_other_files_are_no_pictures(packed):
    junk = [".DS_Store", ".a.png", ".thumbs/a.png", "__MACOSX/a.png", "cat/.b.png", "notes.txt", "a.png.part"]
    assert len(load(packed({"a.png": encoded(), **dict.fromkeys(junk, b"junk")}))) == 1


BAD = {
    "cat/empty.png": b"",
    "cat/short.jpg": noise("JPEG")[:1500],
    "cat/short.png": noise("PNG")[:1500],
    "dog/text.png": b"this is no picture",
}
GOOD = {"cat/a.png": encoded((1, 0, 0)), "dog/b.png": encoded((2, 0, 0))}


def test_bad_pictures_are_refused_by_name(packed):
    said = refusal(packed(GOOD | BAD))
    assert "4 of 6 pictures cannot be read" in said
    assert "cat/empty.png: empty file" in said
    assert "cat/short.jpg: image file is truncated" in said
    assert "cat/short.png: " in said
    assert "dog/text.png: not an image" in said
    assert "--data.on-bad skip" in said


def test_bad_pictures_are_left_out_and_named_if_so_wished(packed, capsys):
    data = load(packed(GOOD | BAD), on_bad="skip")
    assert data.images[:, 0, 0, 0].tolist() == [1, 2]
    assert data.labels.tolist() == [0, 1]
    printed = capsys.readouterr().out
    assert "left out" in printed
    assert "4 of 6" in printed
    assert all(name in printed for name in BAD)


def test_only_the_first_of_many_bad_pictures_are_named(packed):
    said = refusal(packed({f"{i:02}.png": b"" for i in range(13)}))
    assert "13 of 13" in said
    assert "09.png" in said
    assert "10.png" not in said
    assert "and 3 more" in said


def test_nothing_but_bad_pictures_is_an_error_even_if_skipped(packed):
    assert "none of its 4 pictures can be read" in refusal(packed(BAD), on_bad="skip")


def test_a_place_without_pictures_says_what_it_looked_for(packed):
    said = refusal(packed({"notes.txt": b"hello"}))
    assert "no pictures in it" in said
    assert ".png" in said


def test_an_empty_folder_has_no_pictures(tmp_path):
    assert f"{tmp_path}: no pictures in it" in refusal(str(tmp_path))


def test_a_missing_path_is_named(tmp_path):
    assert refusal(str(tmp_path / "nowhere")) == f"{tmp_path / 'nowhere'}: no such folder or zip"


def test_another_file_is_neither_folder_nor_zip(tmp_path):
    (tmp_path / "mine.zip").write_bytes(b"PK but not for long")
    assert "neither a folder nor a readable zip" in refusal(str(tmp_path / "mine.zip"))


def test_a_zip_is_opened_once_a_thread_not_once_a_picture(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "mine.zip", {f"{i:03}.png": encoded() for i in range(200)})
    opened, own = [], zipfile.ZipFile

    def count(*arguments, **more):
        opened.append(arguments)
        return own(*arguments, **more)

    monkeypatch.setattr(zipfile, "ZipFile", count)
    assert len(load(path)) == 200
    assert len(opened) <= 1 + min(32, (os.cpu_count() or 1) + 4)  # the pool's threads


def test_a_zip_that_ends_early_is_refused(tmp_path):
    path = tmp_path / "mine.zip"
    zip_of(path, {"a.png": noise("PNG")})
    path.write_bytes(path.read_bytes()[:-100])
    assert "neither a folder nor a readable zip" in refusal(str(path))


def test_a_zip_with_a_damaged_table_of_contents_is_refused(tmp_path):
    path = tmp_path / "mine.zip"
    zip_of(path, {"a.png": encoded()})
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PK\x00\x00"))
    assert str(path) in refusal(str(path))


def test_a_picture_damaged_inside_of_a_zip_is_named(tmp_path):
    path, picture = tmp_path / "mine.zip", noise("PNG")
    zip_of(path, {"a.png": picture, "b.png": encoded()})
    path.write_bytes(path.read_bytes().replace(picture[500:520], bytes(20)))
    assert "a.png: Bad CRC-32" in refusal(str(path))


@pytest.mark.parametrize("name", ["../a.png", "cat/../../a.png", "/etc/a.png", "\\a.png"])
def test_zip_whose_paths_climb_out_is_refused(tmp_path, name):
    said = refusal(zip_of(tmp_path / "mine.zip", {"b.png": encoded(), name: encoded()}))
    assert repr(name) in said
    assert "climbs out" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zip"]
