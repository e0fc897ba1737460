"""boot.json: what the loader reads, and every mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.image.boot_config import boot_json, check_boot_json, note_on_bios_screen, unchecked_keys

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


def test_a_newer_loader_may_know_more() -> None:
    more = {**ALL, "splash": {"color": "red"}}
    with pytest.raises(BuildError, match="unknown key 'splash'"):
        boot_json(more, "0.11.17")
    assert json.loads(boot_json(more, "0.11.18")) == more
    assert unchecked_keys(more, "0.11.18") == ["splash"] and unchecked_keys(more, "0.11.9") == []
    with pytest.raises(BuildError, match="'warn' is not one of"):
        boot_json({**more, "log_level": "warn"}, "0.12.0")


@pytest.mark.parametrize("text", ["{}", json.dumps(ALL), '{"splash": 1}', ' {"log_level":\n"Off"} '])
def test_a_file_of_the_users(tmp_path: Path, text: str) -> None:
    (tmp_path / "boot.json").write_text(text)
    check_boot_json(tmp_path / "boot.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ("{", "expected a JSON object"),
        ('{"log_level": "off"}', "did you mean 'Off'"),
        ('{"frame_buffer": {"width": 1}}', "unknown key 'width'"),
    ],
)
def test_a_file_of_the_users_that_the_loader_would_not_take(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "boot.json"
    file.write_text(text)
    with pytest.raises(BuildError) as caught:
        check_boot_json(file)
    assert str(caught.value).startswith(f"{file}: error: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("kernel", "height", "told"),
    [
        ((0, 0), None, None),
        ((1280, 720), None, None),
        ((1920, 1080), None, "at least 1920 wide and 1080 high"),
        ((0, 800), None, "at least 800 high"),
        ((0, 800), 600, None),  # boot.json counts before the kernel
        ((0, 0), 721, "at least 721 high"),
    ],
)
def test_a_screen_that_bios_never_gives(
    kernel: tuple[int, int], height: int | None, told: str | None
) -> None:
    settings = {"frame_buffer": {"minimum_framebuffer_height": height}} if height else {}
    note = note_on_bios_screen(kernel, settings)
    assert note is None if told is None else note is not None and note.endswith(told) and "1280x720" in note
