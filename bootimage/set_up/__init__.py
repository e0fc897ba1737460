"""What ./sconsw does before the first scons: install what is missing, each with one line before it.

Runs in the system's Python, so it uses nothing but the standard library. It is part of the project's
tree, not of the installed package.
"""
