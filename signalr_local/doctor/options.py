"""The options of the doctor. Importing them loads nothing else: every command line shows its name."""

import argparse

__all__ = ["FILES", "add_parser"]

FILES = {
    "settings": "settings of a deployed app, as az functionapp config appsettings list prints them "
    "(default: local.settings.json of the app)",
    "cors": "its allowed origins, as az functionapp cors show prints them",
    "service": "the service, as az signalr show prints it",
    "roles": "the roles of the app's identity, as az role assignment list --all --assignee IDENTITY prints "
    "them",
}


"""The options that take a file, with what it holds."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command ``doctor`` and return its parser."""
    parser = commands.add_parser(
        "doctor",
        help="check settings, functions, service and a deployed app; change nothing",
        epilog="Exit codes: 0 no errors, 1 errors (--strict: or warnings), 2 the doctor could not look.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--app", metavar="DIR", help="the app's folder (default: this one)")
    deployed = parser.add_argument_group("a deployed app, read with the Azure CLI")
    deployed.add_argument(
        "--azure", metavar="NAME", default=None, help="the name of the function app in Azure"
    )
    deployed.add_argument("--resource-group", metavar="NAME", default="", help="its resource group")
    deployed.add_argument("--subscription", metavar="ID", default="", help="its subscription (default: az's)")
    deployed.add_argument(
        "--call",
        metavar="METHOD",
        default=None,
        help="the method of the hub that the round trip calls (default: echo, if the app has it)",
    )
    deployed.add_argument(
        "--arguments", metavar="JSON", default="[]", help="the arguments of that call, as a JSON array"
    )
    deployed.add_argument(
        "--header",
        dest="headers",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="a header for negotiate, such as one with a token; may be repeated",
    )
    deployed.add_argument(
        "--no-round-trip", action="store_true", default=False, help="do not connect to the deployed app"
    )
    files = parser.add_argument_group("a deployed app, from files with what the Azure CLI prints")
    for name, what in FILES.items():
        files.add_argument(f"--{name}", metavar="FILE", default=None, help=what)
    parser.add_argument(
        "--output", choices=["text", "json", "sarif"], default="text", help="form (default: text)"
    )
    parser.add_argument("--strict", action="store_true", default=False, help="count warnings as errors")
    parser.add_argument("-v", "--verbose", action="store_true", default=False, help="list what is fine too")
    return parser
