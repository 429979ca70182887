"""What this machine can do and what Baton makes of it, measured in one run and side by side."""
