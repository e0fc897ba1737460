"""What everything else is built on: errors, files, folders, programs."""
