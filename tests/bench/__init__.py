"""What the extension costs and how quickly it reacts, measured on a private server: `make bench`."""
