"""The digest of all that a result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

# To be changed when every result of every kind is to be made anew; for one kind there is `recipes`.
_ENGINE = "rustkernel 1"


def action_key(kind: str, inputs: Mapping[str, str]) -> str:
    """The digest of all that a result depends on: what `kind` it is, and each input by name."""
    text = json.dumps([_ENGINE, kind, sorted(inputs.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
