"""Networks from torch, by their modules or by tracing, and to torch."""
