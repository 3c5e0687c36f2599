"""The process that runs a function app, driven over its standard input and output.

It imports the standard library and Microsoft's worker library, nothing of this project: the app's own
modules, whatever their names, must find no neighbour to collide with.
"""
