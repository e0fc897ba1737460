"""Decide when a guest that nobody watches has come to rest, so that its picture can be taken.

A still screen alone proves little: a firmware shows its logo for seconds, and a loader reads a large
kernel behind a screen that does not change. What can be seen from outside is the order of things:
the disk is read, for the last time when the kernel is in memory; then the screen changes, because
the kernel (or its loader) draws; then it stands still. So a guest is at rest when

- its disk has been read, and not again while the screen stood still,
- the screen has changed since it was last seen before the last read, and is not all black,
- it has stood still for two seconds, but for a cursor that blinks in place.

A guest that draws nothing after its last read, or only black, is given ten seconds instead of two.
"""

from __future__ import annotations

from bootimage.base.lazy_dataclass import dataclass
from bootimage.machine.screen import Picture, same_but_for_a_cursor

STILL_S = 2.0
STILL_UNDRAWN_S = 10.0
_LONGEST_GAP_S = 0.5


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment: `reads` counts the operations that have read the disk so far."""

    seconds: float
    picture: Picture
    reads: int


class Stillness:
    """Watches one guest, sample by sample."""

    def __init__(self) -> None:
        self._last: Sample | None = None
        self._before_reading: Picture | None = None
        self._still_for = 0.0
        # A blinking cursor makes two pictures out of one screen; a third means that something moves.
        self._faces: list[Picture] = []

    def at_rest(self, sample: Sample) -> bool:
        """Take in a sample, which must be later than the one before, and tell whether that is the end."""
        reading = self._is_reading(sample)
        if self._stands_still(sample.picture) and not reading:
            self._still_for += self._seconds_since_last(sample)
        else:
            self._still_for = 0.0
        self._last = sample
        return sample.reads > 0 and self._still_for >= self._needed(sample.picture)

    def _seconds_since_last(self, sample: Sample) -> float:
        # When we were late to look, the machine was busy, and the guest had not its share of it either.
        return min(sample.seconds - self._last.seconds, _LONGEST_GAP_S) if self._last else 0.0

    def _is_reading(self, sample: Sample) -> bool:
        if self._last is None or sample.reads == self._last.reads:
            return False
        # A guest that draws while it reads, or right after, has drawn since *this* picture.
        self._before_reading = self._last.picture
        return True

    def _stands_still(self, picture: Picture) -> bool:
        if picture in self._faces:
            return True
        if len(self._faces) == 1 and same_but_for_a_cursor(self._faces[0], picture):
            self._faces.append(picture)
            return True
        self._faces = [picture]
        return False

    def _needed(self, picture: Picture) -> float:
        before = self._before_reading
        drawn = before is not None and not same_but_for_a_cursor(before, picture) and not picture.is_black()
        return STILL_S if drawn else STILL_UNDRAWN_S
