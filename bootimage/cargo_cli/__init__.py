"""In cargo's place: its command line and its environment."""
