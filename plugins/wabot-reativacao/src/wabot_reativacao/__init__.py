"""Reativação de clientes (ainda não disponível nesta versão): campanhas para quem parou de escrever.

This release installs, is listed and can be switched on, and does nothing yet: it declares no hook. Campaigns come
with the hook that carries them.
"""
