"""What this project is measured against, in one command: see run.py. Never part of the tests."""
