"""Meta's Cloud API: reading its payloads, checking its signatures, speaking to it."""
