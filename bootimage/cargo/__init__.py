"""cargo packages: what they say, what they read, and how they and the sysroot below them are built."""
