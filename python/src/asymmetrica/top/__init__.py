"""The console in a terminal: `asymmetrica top`."""
