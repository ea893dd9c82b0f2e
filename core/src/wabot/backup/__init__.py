"""Backup and restore: one file with every row, every file that was kept, and which keys it takes to use them."""
