"""Files of conversations: fetched at once when they come, uploaded once when they go, erased when asked."""
