"""A stand-in for Thunderbit's Open API: batches that distill or extract, and their webhooks. Its contract is Thunderbit's."""
