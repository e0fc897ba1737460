"""What pip puts where SCons looks for tools: `Environment(tools=["rustkernel"])` then works anywhere."""

from rustkernel import exists, generate, options

__all__ = ["exists", "generate", "options"]
