"""Pairs of one's own pictures, in both layouts."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import listing, pairs, pictures
from gan_jax.errors import DataError


def picture(value, *, width=8):
    return Image.fromarray(np.full((8, width, 3), value, np.uint8))


@pytest.fixture
def folders(tmp_path):
    for i in range(4):
        for folder, value, ending in (("A", 10 * i, "png"), ("B", 100 + 10 * i, "bmp")):
            (tmp_path / folder).mkdir(exist_ok=True)
            picture(value).save(tmp_path / folder / f"{i}.{ending}")
    return tmp_path


@pytest.mark.parametrize("memory", [1e9, 0])
def test_two_folders_are_paired_by_name_whatever_the_ending(folders, memory):
    found = pairs.load(str(folders), size=8, channels=3, memory=memory)
    assert found.images.shape == (4, 8, 16, 3)
    assert found.in_memory == (memory > 0)
    images = found.images[:]
    assert images[2, :, :8].ravel().tolist() == [20] * 8 * 8 * 3
    assert images[2, :, 8:].ravel().tolist() == [120] * 8 * 8 * 3


def test_pictures_side_by_side_are_what_the_folders_are(folders, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    for i in range(4):
        both = picture(10 * i, width=16)
        both.paste(picture(100 + 10 * i), (8, 0))
        both.save(whole / f"{i}.png")
    beside = pairs.load(str(whole), size=8, channels=3)
    np.testing.assert_array_equal(beside.images, pairs.load(str(folders), size=8, channels=3).images)


def test_other_pictures_are_other_data_though_none_is_looked_at(folders):
    before = pairs.load(str(folders), size=8, channels=3, memory=0).fingerprint
    (folders / "A" / "3.png").rename(folders / "A" / "4.png")
    (folders / "B" / "3.bmp").rename(folders / "B" / "4.bmp")
    assert pairs.load(str(folders), size=8, channels=3, memory=0).fingerprint != before


def test_a_later_picture_that_is_no_pair_is_found_too_and_all_are_counted(folders, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    for i in range(40):
        picture(i, width=8 if i in (21, 33, 34) else 16).save(whole / f"{i:02}.png")
    with pytest.raises(
        DataError, match=r"21\.png is 8x8 pixels \(and 2 more like it\); a pair side by side is about 2"
    ):
        pairs.load(str(whole), size=8, channels=3, memory=0)
    for i in (2, 3):
        picture(0, width=24).save(folders / "B" / f"{i}.bmp")
    with pytest.raises(
        DataError,
        match=r"B/2\.bmp is 24x8 pixels, and A/2\.png is 8x8 \(and 1 more like it\); both of a pair are of one",
    ):
        pairs.load(str(folders), size=8, channels=3, memory=0)


def test_a_pair_may_be_of_two_sizes_if_it_is_of_one_shape_to_a_pixel(folders):
    Image.new("RGB", (31, 21)).save(folders / "A" / "1.png")
    Image.new("RGB", (10, 7)).save(folders / "B" / "1.bmp")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (9, 20)).save(folders / "A" / "2.png", exif=turned)
    Image.new("RGB", (20, 9)).save(folders / "B" / "2.bmp")
    assert len(pairs.load(str(folders), size=8, channels=3)) == 4


def test_the_size_of_a_picture_is_told_without_decoding_it(folders, monkeypatch):
    def decoded(*_):
        raise AssertionError("a picture was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    assert len(pairs.load(str(folders), size=8, channels=3, memory=0)) == 4


NOISE = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
FORMATS = {"png": {}, "jpg": {"quality": 98, "exif": b"Exif\0\0" + bytes(60_000)}, "bmp": {}, "tif": {}, "gif": {}}
"""Each file is 59 kB or more, and a header is in the first 64 KiB, but for a TIFF's, whose table may be anywhere."""


def large(ending, *, turned=False):
    """Bytes of a picture 200 pixels wide and 300 high, to be seen so."""
    picture, options = Image.fromarray(np.rot90(NOISE) if turned else NOISE), FORMATS[ending]
    if turned:
        exif = Image.Exif()
        exif[0x0112] = 6
        options = options | {"exif": exif}
    file = io.BytesIO()
    picture.save(file, {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending), **options)
    return file.getvalue() + bytes(1 << 20)  # behind the picture, where nobody looks


def listed(tmp_path, where, files):
    """The files in a folder, or in a zip, packed or not."""
    if where == "folder":
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        return listing.list_files(tmp_path, "there")
    with zipfile.ZipFile(tmp_path / "all.zip", "w", getattr(zipfile, where)) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return listing.list_files(tmp_path / "all.zip", "there")


@pytest.mark.parametrize("where", ["folder", "ZIP_STORED", "ZIP_DEFLATED"])
def test_sizes_are_told_by_the_beginning_of_files(tmp_path, where):
    files = {f"{i}.{ending}": large(ending) for i, ending in enumerate(FORMATS)}
    files |= {f"turned.{ending}": large(ending, turned=True) for ending in ("png", "jpg", "tif")}
    found, spans = listed(tmp_path, where, files), []

    def whole(i):
        raise AssertionError(f"{found.names[i]} was read whole")

    seen = replace(found, read=whole, part=lambda i, *span: spans.append(span) or found.part(i, *span))
    assert [pictures.size_of(seen, i) for i in range(len(seen))] == [(200, 300)] * len(files)
    assert sum(end - start for start, end in spans) <= 3 * listing.BEGINNING * len(files)


@pytest.mark.parametrize("where", ["folder", "ZIP_STORED", "ZIP_DEFLATED", "ZIP_LZMA"])
def test_a_part_of_a_file_is_that_part(tmp_path, where):
    data = np.random.default_rng(1).bytes(200_000) + bytes(100_000)
    found = listed(tmp_path, where, {"a.png": data, "b.png": b""})
    for start, end in ((0, 10), (70_000, 140_000), (199_000, 300_000)):
        assert found.part(0, start, end) == data[start:end]
    spans = []
    counted = replace(found, part=lambda i, *span: spans.append(span) or found.part(i, *span))
    with counted.opened(0) as file:
        assert file.read() == data
        assert len(spans) == 2  # its beginning, and all else at once
        file.seek(-5, io.SEEK_END)
        assert (file.read(), file.read()) == (data[-5:], b"")
    with found.opened(1) as file:
        assert file.read() == b""


@pytest.mark.parametrize("ending", ["webp", "png"])
def test_the_size_of_what_is_cut_off_is_not_told(tmp_path, ending):
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, ending)
    found = listed(tmp_path, "folder", {f"0.{ending}": file.getvalue(), f"1.{ending}": file.getvalue()[:20]})
    assert [pictures.size_of(found, i) for i in range(2)] == [(200, 300), None]


@pytest.mark.parametrize("beside", ["C/0.png", "0.png"])
def test_what_lies_beside_the_two_folders_is_named(folders, beside):
    (folders / beside).parent.mkdir(exist_ok=True)
    picture(0).save(folders / beside)
    with pytest.raises(DataError, match=f"there is {beside.partition('/')[0]} beside the folders A and B"):
        pairs.load(str(folders), size=8, channels=3)


def test_pictures_that_are_no_pairs_are_not_cut_in_half(tmp_path):
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(DataError, match=r"0\.png is 8x8 pixels; a pair side by side is about 2"):
        pairs.load(str(tmp_path), size=8, channels=3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: (at / "B" / "1.bmp").unlink(), r"A/1\.png has no picture of its name in the other folder"),
        (lambda at: picture(0).save(at / "A" / "1.bmp"), r"A/1\.bmp and A/1\.png have one name|A/1\.png and A/1\.bmp"),
        (lambda at: [file.unlink() for file in (at / "B").iterdir()], "pictures are in A alone"),
        (lambda at: (at / "B" / "1.bmp").write_bytes(b"no"), r"B/1\.bmp cannot be read: not an image"),
    ],
)
def test_what_is_no_pair_is_named(folders, spoil, said):
    spoil(folders)
    with pytest.raises(DataError, match=said):
        pairs.load(str(folders), size=8, channels=3)
