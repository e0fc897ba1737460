"""The Rust toolchain: compiler, cargo, library source, objcopy, linker; and what mends it."""
