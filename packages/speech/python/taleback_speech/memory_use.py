"""How much memory this process holds."""

import os
from typing import Optional


def rss_bytes() -> Optional[int]:
    """Resident memory; None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
