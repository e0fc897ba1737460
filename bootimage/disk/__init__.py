"""Bytes of FAT volumes and of MBR and GPT partition tables: formats only, no policy."""
