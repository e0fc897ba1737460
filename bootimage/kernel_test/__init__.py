"""Tests of a kernel: found, built, run in guests, judged."""
