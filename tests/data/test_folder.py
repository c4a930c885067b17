"""Folders of images: shapes, classes, own test split, and images that are wrong, named."""

import numpy as np
import pytest
from PIL import Image

from research.data.source import open_source
from research.errors import UserError


@pytest.fixture
def flowers(tmp_path):
    """`save(path, array)` under a folder named flowers, which it returns."""

    def save(path, pixels, **options):
        file = tmp_path / "flowers" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(file, **options)
        return tmp_path / "flowers"

    return save


def opened(folder, **options):
    cache = str(folder.parent / "cache")
    return open_source(f"folder:{folder}", options, data_dir=None, cache_dir=cache)


def pixels(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_a_folder_for_each_class(flowers):
    images = {"tulip/1.png": pixels(0, 4, 5, 3), "rose/2.png": pixels(1, 4, 5, 3), "rose/1.png": pixels(2, 4, 5, 3)}
    for path, image in images.items():
        folder = flowers(path, image)
    (folder / "rose" / ".hidden").write_text("")
    (folder / "README").write_text("not a class")
    source = opened(folder)
    x, y, own_test = source.arrays()
    expected = [images["rose/1.png"], images["rose/2.png"], images["tulip/1.png"]]
    np.testing.assert_array_equal(x, expected)
    assert (list(y), source.spec.classes, len(own_test)) == ([0, 0, 1], ("rose", "tulip"), 0)
    assert (source.spec.name, source.spec.shape, source.spec.maximum) == ("folder:flowers", (4, 5, 3), 255.0)


def test_grey_images_have_one_channel_unless_one_is_coloured(flowers):
    grey, colour = pixels(0, 3, 3), pixels(1, 3, 3, 3)
    flowers("a/1.png", grey)
    folder = flowers("b/1.png", grey)
    np.testing.assert_array_equal(opened(folder).arrays().x[0, ..., 0], grey)
    flowers("b/2.png", colour)
    x = opened(folder).arrays().x
    np.testing.assert_array_equal(x[0], np.repeat(grey[..., None], 3, axis=-1))
    np.testing.assert_array_equal(x[2], colour)


def test_own_test_split(flowers):
    for place, part in enumerate(["train", "test"]):
        for number in range(3 - place):
            flowers(f"{part}/a/{number}.png", np.full((2, 2), 10 * place + number))
            folder = flowers(f"{part}/b/{number}.png", np.full((2, 2), 100 + 10 * place + number))
    source = opened(folder)
    x, y, own_test = source.arrays()
    assert list(x[:, 0, 0, 0]) == [0, 1, 2, 100, 101, 102, 10, 11, 110, 111]
    assert list(y) == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    assert list(own_test) == [6, 7, 8, 9]
    assert source.spec.test_size == 4


def test_size_resizes(flowers):
    flowers("a/1.png", np.full((8, 6, 3), 50))
    folder = flowers("b/1.png", np.full((3, 3, 3), 70))
    assert opened(folder, size="4,2").spec.shape == (4, 2, 3)
    x = opened(folder, size="5").arrays().x
    assert x.shape == (2, 5, 5, 3)
    assert [int(image.mean()) for image in x] == [50, 70]
    np.testing.assert_array_equal(x, opened(folder, size=(5, 5)).arrays().x)


def test_different_sizes(flowers):
    flowers("a/1.png", np.zeros((4, 5)))
    folder = flowers("b/1.png", np.zeros((4, 6)))
    with pytest.raises(UserError, match=r"b/1.png has 4x6 pixels .* but .*a/1.png has 4x5; .*--size=HEIGHT,WIDTH"):
        opened(folder)


@pytest.mark.parametrize("damage", [b"not an image", b""])
def test_image_that_does_not_decode(flowers, damage):
    flowers("a/1.png", np.zeros((4, 4)))
    folder = flowers("b/1.png", np.zeros((4, 4)))
    (folder / "b" / "2.png").write_bytes(damage)
    with pytest.raises(UserError, match=r"b/2\.png does not decode as an image"):
        opened(folder)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_image_cut_short(flowers, kind):
    flowers(f"a/1.{kind}", pixels(0, 40, 40, 3))
    folder = flowers(f"b/1.{kind}", pixels(1, 40, 40, 3))
    file = folder / "b" / f"1.{kind}"
    file.write_bytes(file.read_bytes()[:-800])
    with pytest.raises(UserError, match=rf"b/1.{kind} does not decode as an image"):
        opened(folder)


def test_sixteen_bit_image(flowers):
    folder = flowers("a/1.png", np.zeros((4, 4)))
    (folder / "b").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(folder / "b" / "1.png")
    with pytest.raises(UserError, match=r"b/1\.png has more than 8 bits"):
        opened(folder)


def test_wrong_folders(flowers, tmp_path):
    with pytest.raises(UserError, match="is not a folder; expected one with a folder of images for each class"):
        opened(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="needs a folder of images for each of two classes"):
        opened(tmp_path / "empty")
    with pytest.raises(UserError, match="two classes"):
        opened(flowers("a/1.png", np.zeros((4, 4))))
    with pytest.raises(UserError, match="size=1,2,3: expected height,width"):
        opened(tmp_path / "empty", size="1,2,3")


def test_class_that_only_the_test_part_has(flowers):
    for path in ("train/a/1.png", "train/b/1.png", "test/c/1.png"):
        folder = flowers(path, np.zeros((4, 4)))
    with pytest.raises(UserError, match=r"train has no images of the class 'c', which .*test has"):
        opened(folder)


def test_fingerprint_is_of_the_content(flowers):
    flowers("a/1.png", pixels(0, 4, 4))
    folder = flowers("b/1.png", pixels(1, 4, 4))
    before = opened(folder).spec.fingerprint
    moved = folder.rename(folder.with_name("elsewhere"))
    assert opened(moved).spec.fingerprint == before
    (moved / "b").rename(moved / "c")
    assert opened(moved).spec.fingerprint != before
