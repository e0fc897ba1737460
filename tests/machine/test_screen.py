from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bootimage.base.errors import BuildError
from bootimage.machine.screen import Picture, parse_ppm, png, same_but_for_a_cursor, save_png


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    size = width * height * 3
    return Picture(width, height, draw(st.binary(min_size=size, max_size=size)))


@given(pictures())
def test_png_and_ppm_hold_the_pixels(picture: Picture) -> None:
    with Image.open(io.BytesIO(png(picture))) as image:
        assert (image.size, image.mode) == ((picture.width, picture.height), "RGB")
        assert image.tobytes() == picture.pixels
        ppm = io.BytesIO()
        image.save(ppm, "ppm")
    assert parse_ppm(ppm.getvalue()) == picture


@pytest.mark.parametrize("data", [b"", b"P5\n1 1\n255\n0", b"P6\n1 1\n255\n00", b"P6\n1 1\n255\n0000"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"PPM|pixels"):
        parse_ppm(data)


def test_pixels_are_counted_from_the_top_left() -> None:
    picture = Picture(2, 2, bytes(range(12)))
    assert picture.pixel(1, 0) == (3, 4, 5)
    assert picture.pixel(0, 1) == (6, 7, 8)
    assert not picture.is_black()
    assert Picture(2, 1, bytes(6)).is_black()


def with_block(x: int, y: int, width: int, height: int) -> Picture:
    """A black picture of 80 x 50 pixels with a white block."""
    image = Image.new("RGB", (80, 50))
    image.paste((255, 255, 255), (x, y, x + width, y + height))
    return Picture(80, 50, image.tobytes())


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (with_block(0, 0, 0, 0), True),
        (with_block(71, 34, 9, 16), True),
        (with_block(10, 10, 8, 2), True),
        (with_block(10, 10, 10, 2), False),
        (with_block(10, 10, 1, 20), False),
        (Picture(40, 100, bytes(80 * 50 * 3)), False),
    ],
)
def test_a_cursor_is_overlooked(other: Picture, same: bool) -> None:
    black = with_block(0, 0, 0, 0)
    assert same_but_for_a_cursor(black, other) is same
    assert same_but_for_a_cursor(other, black) is same


def test_a_picture_that_cannot_be_saved_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="cannot be written"):
        save_png(with_block(0, 0, 1, 1), tmp_path / "file" / "picture.png")
