import io
import json
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image, features

from gan_jax import memory
from gan_jax.data import listing, pictures
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


def test_a_loose_picture_beside_classes_is_named(packed, capsys):
    names = ["a.png", "cat/b.png", "dog/c.png"]
    assert load(packed(dict.fromkeys(names, encoded()))).classes == ()
    told = capsys.readouterr().out
    assert "its sub-folders are no classes, for 1 of 3 files lie beside them, such as a.png" in told
    load(packed({f"only/{i}.png": encoded() for i in range(2)}))
    load(packed({"a.png": encoded()}))


def test_links_to_folders_are_followed_but_for_those_that_lead_back(tmp_path):
    folder_of(tmp_path / "elsewhere", {"a.png": encoded((1, 0, 0)), "deep/b.png": encoded((2, 0, 0))})
    path = folder_of(tmp_path / "mine", {"dog/c.png": encoded((3, 0, 0))})
    (tmp_path / "mine" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "mine")
    data = load(path)
    assert data.classes == ("cat", "dog")
    assert data.images[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_a_link_to_nothing_is_a_bad_picture(tmp_path):
    path = folder_of(tmp_path / "mine", {"a.png": encoded()})
    (tmp_path / "mine" / "b.png").symlink_to(tmp_path / "nowhere")
    assert "1 of 2 pictures cannot be read: b.png: No such file or directory" in refusal(path)


def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path):
    path = folder_of(tmp_path / "mine", {"a.png": encoded()})
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "mine" / "b.png")
    (tmp_path / "mine" / "c.png").symlink_to(tmp_path / "pipe")
    (tmp_path / "mine" / "d.png").symlink_to("/dev/zero")
    (tmp_path / "mine" / "notes").symlink_to(tmp_path / "pipe")
    said = refusal(path)
    assert "3 of 4 pictures cannot be read" in said
    assert [f"  {name}.png: not a regular file" in said for name in "bcd"] == [True] * 3


@pytest.mark.parametrize("around", ["", "all/"])
def test_folders_that_link_to_each_other_are_entered_once_in_each_class(tmp_path, around, monkeypatch):
    names = [f"{i:02}" for i in range(12)]
    path = folder_of(tmp_path / "mine", {f"{around}{name}/a.png": encoded((i, 0, 0)) for i, name in enumerate(names)})
    for name in names:
        for other in names:
            (tmp_path / "mine" / around / name / f"to_{other}").symlink_to(tmp_path / "mine" / around / other)
    own, listed = os.scandir, []

    def scan(folder):
        listed.append(folder)
        assert len(listed) < 1000
        return own(folder)

    monkeypatch.setattr(os, "scandir", scan)
    data = load(path)
    assert data.classes == tuple(names)
    for i in range(12):
        assert sorted(data.images[data.labels == i, 0, 0, 0].tolist()) == list(range(12))


def test_names_that_are_not_utf_8_are_read_and_can_be_printed(tmp_path):
    names = [os.fsdecode(b"\xe9/a.png"), os.fsdecode(b"\xe8/b.png")]
    data = load(folder_of(tmp_path / os.fsdecode(b"caf\xe9"), dict.fromkeys(names, encoded())))
    assert data.classes == (r"\xe8", r"\xe9")
    assert data.name == r"caf\xe9"
    (tmp_path / os.fsdecode(b"caf\xe9") / "bad.png").touch()
    refusal(str(tmp_path / os.fsdecode(b"caf\xe9"))).encode()


def test_a_zip_that_lies_about_its_letters_is_refused(tmp_path):
    path = zip_of(tmp_path / "mine.zip", {"é.png": encoded()})
    (tmp_path / "mine.zip").write_bytes((tmp_path / "mine.zip").read_bytes().replace("é".encode(), b"\xe9\xe9"))
    assert "mine.zip: a damaged zip: 'utf-8' codec can't decode" in refusal(path)


def test_a_file_that_unpacks_to_more_than_any_photograph_is_not_unpacked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MOST_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(150_000))
        archive.writestr("b.png", encoded())
    unpacked, own = [], listing._Unpacking.__call__
    monkeypatch.setattr(listing._Unpacking, "__call__", lambda self, i: unpacked.append(i) or own(self, i))
    path = str(tmp_path / "mine.zip")
    assert " a.png: 150.0 kB, of which 100.0 kB are read at most" in refusal(path)
    assert len(load(path, on_bad="skip")) == 1
    assert "a.png" in capsys.readouterr().out
    assert unpacked == [1, 1]


def test_pictures_of_too_many_pixels_are_not_decoded_but_jpegs_in_part(packed, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    monkeypatch.setattr(pictures, "MOST_OF_JPEG", 6000)
    decoded = []
    fit = lambda picture, *_: decoded.append(picture.size) or np.zeros((1, 1, 3))
    files = {"a.png": encoded(size=(33, 33)), "b.jpg": encoded(size=(64, 80), kind="JPEG")}
    files |= {"c.jpg": encoded(size=(80, 80), kind="JPEG"), "d.jpg": encoded(size=(128, 128), kind="JPEG")}
    said = refusal(packed(files), size=1, fit=fit)
    assert "3 of 4" in said
    assert "a.png: 33x33 pixels, of which 89 million are read at most, 358 of a JPEG; reduce it" in said
    assert "c.jpg: 80x80 pixels, of which" in said
    assert "d.jpg: 128x128 pixels, of which" in said
    assert decoded == [(8, 10)]


def test_pillows_own_bound_refuses_nothing_that_is_read_and_stays_as_it_was(packed, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert len(load(packed({"a.png": encoded()}))) == 1
    assert Image.MAX_IMAGE_PIXELS == 10


def test_large_pictures_are_decoded_one_at_a_time(packed, monkeypatch):
    monkeypatch.setattr(pictures, "MANY", 10)
    inside, most = [], []

    def slow(*_):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return np.zeros((6, 6, 3))

    load(packed({f"{i}.png": encoded() for i in range(5)}), fit=slow)
    assert most == [1] * 5


def test_more_pictures_than_memory_holds_are_refused_with_both_figures(packed, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2_000_000)
    monkeypatch.setattr(pictures, "_decode", None)
    said = refusal(packed({f"{i}.png": encoded() for i in range(3)}), size=1000)
    assert "3 pictures of 1000x1000x3 need 9.0 MB of memory, 2.0 MB are free; lower --data.size" in said


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


SIXTEEN = np.tile(np.uint16([0, 77 * 257, 65535]), (3, 1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_to_eight(packed, kind):
    stream = io.BytesIO()
    Image.fromarray(SIXTEEN).save(stream, kind)
    data = load(packed({f"a.{kind.lower()}": stream.getvalue()}), size=3, channels=1)
    assert data.images[0, 1, :, 0].tolist() == [0, 77, 255]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_thirty_two_bits_are_refused_by_name_or_left_out(packed, dtype, capsys):
    stream = io.BytesIO()
    Image.fromarray(np.ones((6, 6), dtype)).save(stream, "TIFF")
    path = packed({"a.tif": stream.getvalue(), "b.png": encoded()})
    assert "a.tif: 32-bit pixels, whose black and white are not known; convert them to 8 or 16 bits" in refusal(path)
    assert len(load(path, on_bad="skip")) == 1
    assert "left out" in capsys.readouterr().out


def test_avif_is_read_where_pillow_can_and_named_where_it_cannot(packed, monkeypatch):
    if features.check("avif"):
        path = packed({"a.avif": encoded((10, 100, 200), kind="AVIF", quality=100)})
        assert np.abs(load(path).images[0, 3, 3].astype(int) - [10, 100, 200]).max() <= 3
    else:
        assert "AVIF, which this Pillow does not read" in refusal(packed({"a.avif": b"avif"}))


def test_an_old_pillow_is_named(packed, monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: False)
    said = refusal(packed({"a.avif": b"\x00\x00\x00\x1cftypavix"}))
    assert "a.avif: AVIF, which this Pillow does not read; pip install --upgrade pillow" in said


def test_other_kinds_of_pictures_are_said_to_be_left_out(packed, capsys):
    load(packed({"a.png": encoded(), "b.HEIC": b"x", "c.heic": b"x", "d.mp4": b"x", "e.txt": b"x"}))
    assert "files of kinds that are not read: 2 .heic, 1 .mp4\n" in capsys.readouterr().out


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


def test_leaving_pictures_out_takes_no_second_array(packed, monkeypatch):
    monkeypatch.setattr(pictures, "_decode", lambda files, i, *_: np.uint8(7) if i else "bad")
    path = packed({f"{i:02}.png": b"" for i in range(20)})
    tracemalloc.start()
    data = load(path, size=256, on_bad="skip")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(data) == 19
    assert most < 1.5 * data.images.nbytes


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


def test_a_zip_is_opened_once_not_once_a_picture(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "mine.zip", {f"{i:03}.png": encoded() for i in range(200)})
    opened, own = [], zipfile.ZipFile

    def count(*arguments, **more):
        opened.append(arguments)
        return own(*arguments, **more)

    monkeypatch.setattr(zipfile, "ZipFile", count)
    assert len(load(path)) == 200
    assert len(opened) == 1


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_may_be_packed_in_any_way_and_lie_behind_something_else(tmp_path, kind):
    files = {f"{i}.png": encoded((i, 0, 0)) for i in range(3)}
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    (tmp_path / "mine.zip").write_bytes(b"unpacks itself" + (tmp_path / "packed.zip").read_bytes())
    found = listing.list_files(tmp_path / "mine.zip", "mine.zip")
    assert {name: found.read(i) for i, name in enumerate(found.names)} == files


def test_a_picture_behind_a_password_is_named(tmp_path):
    path = tmp_path / "mine.zip"
    zip_of(path, {"a.png": encoded(), "b.png": encoded()})
    content, place = path.read_bytes(), path.read_bytes().index(b"PK\x01\x02")
    path.write_bytes(content[: place + 8] + b"\x01" + content[place + 9 :])
    said = refusal(str(path))
    assert "1 of 2 pictures cannot be read: a.png: " in said
    assert "is encrypted, password required" in said


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


MANY = {f"{kind}/{i}.png": encoded((i, 0, 10 * i)) for kind in ("dog", "cat") for i in range(5)}


def test_pictures_decoded_as_needed_are_those_in_memory(packed):
    path = packed(MANY | {"cat/10.jpg": noise("JPEG")})
    held, needed = load(path, memory=11 * 6 * 6 * 3), load(path, memory=11 * 6 * 6 * 3 - 1)
    assert (held.in_memory, needed.in_memory) == (True, False)
    assert needed.images.shape == held.images.shape
    for rows in (slice(None), slice(2, 9, 3), [4, 4, 0], np.array([10, -1])):
        np.testing.assert_array_equal(needed.images[rows], held.images[rows])
    assert needed.labels.tolist() == held.labels.tolist()
    assert needed.classes == held.classes
    needed.must_be(held.fingerprint, 11)
    held.must_be(needed.fingerprint, 11)


def test_nothing_is_decoded_before_it_is_needed(packed, monkeypatch):
    decoded, own = [], pictures._decode
    monkeypatch.setattr(pictures, "_decode", lambda files, i, *rest: decoded.append(i) or own(files, i, *rest))
    data = load(packed(MANY), memory=0)
    assert decoded == []
    _ = data.images[[7, 3]]
    assert decoded == [7, 3]


def test_a_folder_and_a_zip_around_it_are_known_alike_without_reading_all(tmp_path):
    folder = load(folder_of(tmp_path / "mine", MANY), memory=0)
    archive = load(zip_of(tmp_path / "mine.zip", {f"all/{name}": data for name, data in MANY.items()}), memory=0)
    assert folder.fingerprint == archive.fingerprint
    (tmp_path / "mine" / "cat" / "0.png").rename(tmp_path / "mine" / "cat" / "9.png")
    assert load(str(tmp_path / "mine"), memory=0).fingerprint != folder.fingerprint


def test_a_bad_picture_is_named_when_it_is_needed(packed):
    data = load(packed(MANY | BAD), memory=0)
    assert len(data) == 14
    with pytest.raises(DataError, match=r"cat/empty\.png cannot be read: empty file; .*--data\.on-bad skip"):
        _ = data.images[:]


def test_bad_pictures_that_are_left_out_are_found_before(packed, capsys):
    path = packed(MANY | BAD)
    needed = load(path, memory=0, on_bad="skip")
    assert "4 of 14" in capsys.readouterr().out
    np.testing.assert_array_equal(needed.images[:], load(path, on_bad="skip").images)
    assert len(needed) == 10


@pytest.mark.parametrize("around", ["", "all/mine/"])
def test_labels_come_from_a_dataset_json_where_there_is_one(packed, around):
    names = [f"{shard}/{i}.png" for shard in ("00000", "00001") for i in range(2)]
    told = json.dumps({"labels": [[name, i % 3] for i, name in enumerate(names)]}).encode()
    data = load(packed({f"{around}{name}": encoded() for name in names} | {f"{around}dataset.json": told}))
    assert data.labels.tolist() == [0, 1, 2, 0]
    assert data.classes == ("0", "1", "2")


def test_a_dataset_json_among_the_pictures_of_a_class_is_none(packed):
    data = load(packed(MANY | {"cat/dataset.json": b"{}"}))
    assert data.classes == ("cat", "dog")
    with pytest.raises(DataError, match=r"its dataset\.json is not as it should be"):
        load(packed(MANY | {"dataset.json": b"{}"}))
