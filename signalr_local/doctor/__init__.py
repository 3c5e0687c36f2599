"""The doctor: looks at an app's settings, its functions and its service, and changes nothing."""
