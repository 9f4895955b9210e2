"""The command line, also where this folder, or an archive of it, is run by itself."""

import sys
from importlib import import_module
from os.path import dirname
from types import ModuleType

if __name__ == "__main__":
    if not __package__:  # what is run by its path is no package: make it one
        sys.modules["checker"] = ModuleType("checker")
        sys.modules["checker"].__path__ = [dirname(__file__)]
    sys.exit(import_module(".command", __package__ or "checker").main())
