"""The machinery behind the REST client: requests, retries, pools, senders."""
