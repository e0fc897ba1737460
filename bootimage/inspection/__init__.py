"""Looking at results: what differs between two builds."""
