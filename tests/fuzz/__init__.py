"""Hostile bytes for every reading method of the dialect and for the receiver: `make fuzz`, and quickly in the suite."""
