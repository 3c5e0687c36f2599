"""The doctor: checks an app's settings, its functions and its service, and changes nothing."""
