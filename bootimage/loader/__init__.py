"""The boot loader: one module for each family of the `bootloader` crate."""
