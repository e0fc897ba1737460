from __future__ import annotations

import pytest

from bootimage.machine.screen import Picture
from bootimage.machine.screen_watch import Sample, Stillness


def flat(value: int) -> Picture:
    return Picture(60, 30, bytes([value]) * (60 * 30 * 3))


def with_cursor(value: int, shade: int = 0) -> Picture:
    pixels = bytearray(flat(value).pixels)
    pixels[:24] = bytes([shade]) * 24
    return Picture(60, 30, bytes(pixels))


BLANK, LOGO, TEXT, PAINTED = flat(0), flat(9), flat(50), flat(0x90)

# A guest as a list of (seconds, what is on the screen, reads done by the end of that time).
Life = list[tuple[float, "Picture | list[Picture]", int]]


def rest_of(life: Life) -> float | None:
    """When the guest is found at rest, sampled every 0.1 s."""
    stillness, now, end = Stillness(), 0.0, 0.0
    for seconds, faces, reads in life:
        end += seconds
        turn = 0
        while now < end:
            picture = faces[turn % len(faces)] if isinstance(faces, list) else faces
            if stillness.at_rest(Sample(now, picture, reads)):
                return round(now, 1)
            now, turn = round(now + 0.1, 1), turn + 1
    return None


SPINNER = [with_cursor(0x90, shade) for shade in (1, 2, 3)]


@pytest.mark.parametrize(
    ("life", "rest"),
    [
        # A boot sector that paints at once.
        ([(0.2, LOGO, 0), (30, PAINTED, 1)], 2.2),
        # Firmware that takes long, with a black screen or a logo, and has not read the disk.
        ([(20, BLANK, 0), (20, LOGO, 0)], None),
        # A loader that reads for long behind a still screen; each second a read.
        ([(1, LOGO, 0), *((1, TEXT, reads) for reads in range(1, 20)), (30, PAINTED, 20)], 22.0),
        # A loader that switches the mode, which leaves a black screen for long.
        ([(1, LOGO, 0), (1, LOGO, 9), (5, BLANK, 9), (30, PAINTED, 9)], 9.0),
        # A guest that never draws, or only black, after it has been read: ten seconds.
        ([(1, LOGO, 0), (1, LOGO, 1), (30, LOGO, 2)], 12.0),
        ([(1, LOGO, 0), (30, BLANK, 2)], 11.0),
        # It draws slowly.
        ([(1, LOGO, 0), *((1.5, flat(100 + step), 3) for step in range(10)), (30, PAINTED, 3)], 18.0),
        # A cursor that blinks is still; a third face of the same place is not.
        ([(1, LOGO, 0), (30, [PAINTED, with_cursor(0x90)], 3)], 3.0),
        ([(1, LOGO, 0), (30, SPINNER, 3)], None),
        # Two screens in turn are no cursor.
        ([(1, LOGO, 0), (30, [PAINTED, TEXT], 3)], None),
    ],
)
def test_rest(life: Life, rest: float | None) -> None:
    found = rest_of(life)
    assert found == (pytest.approx(rest, abs=0.15) if rest is not None else None)


def test_a_busy_machine_counts_little() -> None:
    stillness = Stillness()
    assert not stillness.at_rest(Sample(0, LOGO, 0))
    assert not stillness.at_rest(Sample(0.2, PAINTED, 1))
    assert [stillness.at_rest(Sample(when, PAINTED, 1)) for when in (5, 10, 15, 20)] == [False] * 3 + [True]
