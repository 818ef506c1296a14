"""A loopback stand-in for the batch gateway: same wire, hurried clock, faults on demand."""
