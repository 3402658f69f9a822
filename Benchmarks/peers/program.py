"""What both peers need to be programs: settings, and how they end."""

import os
import sys
import time
from threading import Thread
from typing import NoReturn


def setting(name: str) -> str:
    """Reads an environment variable; ends the program with a sentence where it is missing."""
    return os.environ.get(name) or sys.exit(f"The peer ended: {name} is not set.")


def end(error: Exception) -> NoReturn:
    """Ends the process with a sentence about what failed."""
    sys.exit(f"The peer ended: {type(error).__name__}: {' '.join(str(error).split())}")


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone, so that nothing is left of a benchmark that was ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
