"""What is not public in SCons is used here alone."""
