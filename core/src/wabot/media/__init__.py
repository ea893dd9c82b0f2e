"""Files of conversations: fetched at once when they come, uploaded once when they go, erased when asked."""

from wabot.media.erase import erase, erase_older

__all__ = ["erase", "erase_older"]
