"""The kernel: how a cargo package is compiled, and when again."""
