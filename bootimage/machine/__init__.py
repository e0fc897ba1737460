"""The machine that a guest runs in: QEMU, its firmware and its screen."""
