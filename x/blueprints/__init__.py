"""The functions of this app, one module per subject."""

HUB = "app"
"""The hub, of which this is the only mention: clients of other hubs neither see nor reach it."""
