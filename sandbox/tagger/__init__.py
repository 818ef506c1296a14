"""A stand-in for the document tagger's batch API, under `/tagger`. "Contract" in these files is the tagger's."""
