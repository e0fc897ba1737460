"""Guests that boot a sector of the test's own."""

from guest_fixtures import empty_tmp, guest_of, running_guests

__all__ = ["empty_tmp", "guest_of", "running_guests"]
