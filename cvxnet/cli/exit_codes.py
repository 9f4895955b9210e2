"""What the exit code of the command says."""

PROVED, NOT_PROVED, BAD_INPUT, UNKNOWN = range(4)
INTERRUPTED = 130

IN_WORDS = (
    "Exit codes: 0 proved; 1 refuted, or the gap was not reached; 2 usage or bad input; 3 unknown; "
    "130 (SIGTERM: 143) interrupted before there was anything to keep."
)
