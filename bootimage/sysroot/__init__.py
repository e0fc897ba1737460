"""The sysroot: core and its companions, compiled once for a compiler and a target."""
