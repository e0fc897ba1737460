"""What is dear to build, kept: the content-addressed store of a user, and the cache that colleagues share."""
