"""What stands behind ServerlessHub: methods, authorization, client proxies, the HTTP upstream."""
