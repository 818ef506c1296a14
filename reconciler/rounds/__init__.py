"""The rounds, one chore a file, all of one shape: fetch a batch, ask a pure function about each, write the batch at once."""
