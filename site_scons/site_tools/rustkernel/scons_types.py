"""What this tool uses of SCons, as types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Nodes = list[Any]
Build = Callable[[Nodes, Nodes, Any], None]
Text = Callable[[Nodes, Nodes, Any], str]
