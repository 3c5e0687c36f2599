"""How operations of the REST API reach the service: requests, retries, pools, senders."""
