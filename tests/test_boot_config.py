"""boot.json: what the loader reads, and every mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.image.boot_config import boot_json

ALL = {
    "frame_buffer": {"minimum_framebuffer_height": 720, "minimum_framebuffer_width": 1280},
    "log_level": "Warn",
    "frame_buffer_logging": False,
    "serial_logging": True,
}


def test_every_key() -> None:
    assert json.loads(boot_json(ALL)) == ALL
    assert boot_json({}) == b"{}"


def test_the_order_of_keys_does_not_matter() -> None:
    assert boot_json(ALL) == boot_json(dict(reversed(ALL.items())))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"log_levle": "Warn"}, "did you mean 'log_level'"),
        ({"frame_buffer": {"minimum_frambuffer_width": 1}}, "did you mean 'minimum_framebuffer_width'"),
        ({"xyz": 1}, "unknown key 'xyz'; known are frame_buffer, log_level"),
        ({1: 1}, "unknown key '1'"),
        ({"log_level": "warn"}, "did you mean 'Warn'"),
        ({"log_level": 3}, "3 is not one of Off, Error"),
        ({"log_level": ["Warn"]}, "is not one of Off"),
        ({"serial_logging": 1}, "serial_logging: 1 is not True or False"),
        ({"frame_buffer_logging": "yes"}, "'yes' is not True or False"),
        ({"frame_buffer": 720}, "720 is not a mapping"),
        ({"frame_buffer": {"minimum_framebuffer_width": "1280"}}, "'1280' is not a positive number"),
        ({"frame_buffer": {"minimum_framebuffer_width": True}}, "True is not a positive number"),
        ({"frame_buffer": {"minimum_framebuffer_width": -1}}, "-1 is not"),
        ({"frame_buffer": {"minimum_framebuffer_width": 1 << 64}}, "is not a positive number"),
        ({"frame_buffer": {"minimum_framebuffer_width": 1280.0}}, "is not a positive number"),
        ([], "is not a mapping"),
        ("{}", "is not a mapping"),
    ],
)
def test_mistakes(settings: Any, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        boot_json(settings)
    assert message in str(caught.value) and str(caught.value).startswith("error: boot.json")
