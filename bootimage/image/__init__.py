"""What a kernel's file says, and the images that it goes into."""
