"""Training to the global optimum: unit families, pricing, the master problem, the bracket."""
