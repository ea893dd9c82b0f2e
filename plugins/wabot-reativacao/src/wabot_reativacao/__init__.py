"""Reativação de clientes: campanhas para quem parou de escrever (ainda não disponível nesta versão).

This release installs, is listed and can be switched on, and does nothing yet: it declares no hook. Campaigns come
with the hook that carries them.
"""
