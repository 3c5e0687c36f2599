"""The options of ``signalr-local new``. Importing them loads nothing else."""

import argparse

__all__ = ["add_parser"]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command ``new`` and return its parser."""
    parser = commands.add_parser(
        "new",
        help="make a new app: functions, a page, tests, settings",
        description="Make a new app in a folder that is new or empty. Nothing is overwritten.",
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("directory", metavar="DIR", help="the folder of the app")
    add(
        "--style",
        choices=["functions", "hub"],
        default="functions",
        help="events as functions, or as methods of a hub class (default: functions)",
    )
    add("--name", default=None, help="the app's name (default: asked for, or that of the folder)")
    add("--hub", default=None, help="the hub's name (default: asked for, or that of the app)")
    add("--azure", action="store_true", default=False, help="with azure.yaml and Bicep files, for azd up")
    add(
        "--ci",
        action="store_true",
        default=False,
        help="with a GitHub workflow that tests the app",
    )
    add("-y", "--yes", action="store_true", default=False, help="ask nothing, take the defaults")
    add("--run", action="store_true", default=False, help="run the app when it is made")
    return parser
