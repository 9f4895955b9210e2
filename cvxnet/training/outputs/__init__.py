"""Several outputs that share their units: what is a number for one output is a vector here."""
