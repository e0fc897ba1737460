"""What an ELF file says: headers, the kernel's file, the loader's configuration in it."""
