"""What all tests share: none of them measures time, and a busy machine fails none."""

import os

from hypothesis import settings

# Before torch and BLAS are loaded: where cores are busy, their threads wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
