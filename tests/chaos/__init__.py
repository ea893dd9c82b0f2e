"""The chaos run: a whole installation, killed again and again while customers talk, and a judge who counts."""
