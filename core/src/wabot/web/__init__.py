"""HTTP: Meta's webhook, the REST API, health. Later: the panel."""
