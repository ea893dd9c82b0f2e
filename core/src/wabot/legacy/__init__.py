"""Taking over the system before this one: a Django database, read only and never written.

`source` reads it, `values` reads its cells, `kinds` says what becomes of its rows, and `taking` does it. What belongs
to a plugin is the plugin's: see docs/import-legacy.md.
"""
