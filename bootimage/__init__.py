"""From a Rust kernel to disk images that boot: the engine, which knows nothing of SCons."""
