"""How an app's settings become a way to the service: Key Vault, Entra ID, caches, instances."""
