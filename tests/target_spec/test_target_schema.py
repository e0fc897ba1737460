"""Wrong types, values and keys are told in words, at their place."""

from __future__ import annotations

import pytest
from fake_compiler import refusal_of_line

PROBES = '{"kind": "none"} or {"kind": "inline"} or {"kind": "call"}'
KNOWS_NO = "error: rustc 1.97.0-nightly knows no key"


@pytest.mark.parametrize(
    ("line", "place", "told"),
    [
        ('"disable-redzone": "yes"', 20, '"disable-redzone" must be true or false, found the string "yes"'),
        ('"disable-redzone": 1', 20, '"disable-redzone" must be true or false, found the number 1'),
        ('"panic-strategy": "abrot"', 19, 'must be one of "unwind", "abort", found the string "abrot"'),
        ('"rustc-abi": "hard"', 14, 'must be one of "x86-sse2", "softfloat", found the string "hard"'),
        ('"stack-probes": {"kind": "all"}', 17, f'"stack-probes" must be {PROBES}, found an object'),
        ('"stack-probes": {}', 17, f'"stack-probes" must be {PROBES}, found an object'),
        ('"stack-probes": "call"', 17, f'"stack-probes" must be {PROBES}, found the string "call"'),
        ('"llvm-args": ["-a", 5]', 21, '"llvm-args"[1] must be a string, found the number 5'),
        ('"llvm-args": "-a"', 14, '"llvm-args" must be a list of strings, found the string "-a"'),
        ('"pre-link-args": {"gcc": 1}', 26, '"pre-link-args"."gcc" must be a list of strings, found the'),
        ('"max-atomic-width": -1', 21, '"max-atomic-width" must be a whole number, found the number -1'),
        ('"max-atomic-width": 64.0', 21, "must be a whole number, found the number 64.0"),
        ('"max-atomic-width": "0x40"', 21, 'must be a whole number, found the string "0x40"'),
        ('"max-atomic-width": true', 21, "must be a whole number, found true"),
        ('"target-c-int-width": 65536', 23, "must be a whole number up to 65535, found the number 65536"),
        ('"default-dwarf-version": 4294967296', 26, "must be a whole number, found the number 4294967296"),
        ('"os": {"name": "none"}', 7, '"os" must be a string, found an object'),
        ('"disable-red-zone": true', 1, f'{KNOWS_NO} "disable-red-zone"; did you mean `disable-redzone`?'),
        ('"Panic_Strategy": "abort"', 1, f'{KNOWS_NO} "Panic_Strategy"; did you mean `panic-strategy`?'),
        ('"fnord": 1', 1, f'{KNOWS_NO} "fnord"'),
        ('"": 1', 1, f'{KNOWS_NO} ""'),
    ],
)
def test_refusals(line: str, place: int, told: str) -> None:
    found = refusal_of_line(line)
    assert found.startswith(f"6:{place}: error: ")
    assert told in found
