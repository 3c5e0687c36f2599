"""The connection to the service behind the app settings: Key Vault, Entra ID, caches, instances."""
