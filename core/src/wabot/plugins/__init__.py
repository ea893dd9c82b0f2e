"""Plugins: which are installed, which bot uses them, and what that makes of each bot."""
