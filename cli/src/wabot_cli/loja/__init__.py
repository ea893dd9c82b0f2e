"""The demonstration shop: a small Brazilian restaurant with pictures."""
