"""The example vga_text as a kernel of the test's own."""

from example_kernel import context, kernel

__all__ = ["context", "kernel"]
