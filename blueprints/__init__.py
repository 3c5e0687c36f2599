"""The functions of this app, one module per subject."""
