"""Métricas de atendimento (ainda não disponíveis nesta versão): relatórios por hora, fluxo e etapa.

This release installs, is listed and can be switched on, and does nothing yet: it declares no hook. The core already
keeps the events it will count.
"""
