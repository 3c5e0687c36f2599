"""Who connects to a hub, for how long, and how they stay signed in."""
