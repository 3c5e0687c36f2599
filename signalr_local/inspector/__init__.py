"""What happens between clients, the service and the app: kept, shown and repeated."""
