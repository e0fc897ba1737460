"""The ground floor: what knows nothing of kernels, cargo or SCons."""
