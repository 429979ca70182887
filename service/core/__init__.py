"""The pure heart: no clock, no I/O, no randomness, no logging, no third-party library."""
