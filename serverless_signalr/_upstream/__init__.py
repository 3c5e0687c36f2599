"""HTTP functions that receive the events of the service, without the host's webhook."""
