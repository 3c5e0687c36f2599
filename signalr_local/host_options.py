"""Options of the host on the command line, by the names that ``func start`` has for them."""

import argparse
import re
import ssl
from pathlib import Path

from signalr_local.host.interpreter import interpreter_of
from signalr_local.host.options import HostOptions
from signalr_local.host.settings import split_origins

__all__ = ["add_host_options", "host_options", "port_number"]

_HERE = Path()
_LAST_PORT = 65_535
_HOST_PORT = 7071
_DEBUG_PORT = 5678
_DEBUGPY = re.compile(r"""["']?\s*-m\s+debugpy\s+--listen\s+(?:[\w.\[\]:-]*:)?(\d+)\s*["']?""")


def port_number(text: str) -> int:
    """Return the number of a port; 0 is a free one."""
    if not text.isascii() or not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, expected a number from 0 to {_LAST_PORT}")
    return int(text)


def add_host_options(parser: argparse.ArgumentParser) -> None:
    """Add what concerns the host to a parser."""
    add = parser.add_argument
    add("--app", "--script-root", metavar="DIR", help="the app's folder (default: this one)")
    add(
        "-p",
        "--port",
        type=port_number,
        metavar="N",
        help=f"the host's port (default: LocalHttpPort of local.settings.json, or {_HOST_PORT})",
    )
    add(
        "--python",
        metavar="PATH",
        help="the Python, or the folder of the environment, that runs the app (default: .venv in its folder, "
        "or that of this command)",
    )
    add("--address", metavar="IP", help="the address to listen on (default: LocalHttpAddress, or loopback)")
    add(
        "--host-name",
        dest="host_names",
        action="append",
        metavar="NAME",
        help="a name by which others reach the host or the emulator; may be repeated",
    )
    add("--cors", metavar="ORIGINS", help="origins that may call the app, separated by commas")
    add("--cors-credentials", action="store_true", default=None, help="let these origins send credentials")
    add("--functions", nargs="+", metavar="NAME", help="run only these functions")
    add("--verbose", action="store_true", help="log what the runtime does, too")
    add(
        "-t",
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="how long the app may take to start (default: any time)",
    )
    add("--useHttps", "--use-https", dest="use_https", action="store_true", help="serve HTTPS")
    add("--cert", metavar="FILE", help="certificate and key, PFX or PEM (default: one made for localhost)")
    add("--password", metavar="TEXT", help="the password of the certificate's file")
    add(
        "--debug",
        nargs="?",
        type=port_number,
        const=_DEBUG_PORT,
        metavar="PORT",
        help=f"let a debugger attach to the app (default port: {_DEBUG_PORT})",
    )
    add(
        "--language-worker",
        type=_debugger,
        dest="debug",
        metavar="ARGUMENTS",
        help='the same in the words of func: "-m debugpy --listen PORT"',
    )
    add(
        "--keep-values",
        action="store_true",
        help="leave dates and other values as they are where Azure rewrites or loses them",
    )
    add(
        "--output",
        choices=("text", "json"),
        help="print the log as text, or every event as JSON, one record a line (default: text)",
    )
    add("--enable-json-output", action="store_true", help="the same as --output json")
    add("--json-output-file", metavar="FILE", help="write the same records to a file")


def host_options(arguments: argparse.Namespace, app: Path = _HERE) -> HostOptions:
    """Return what the command line says about an app.

    Raise ValueError for a certificate or a Python that cannot be used.
    """
    cors: str | None = getattr(arguments, "cors", None)
    return HostOptions(
        keep_values=bool(getattr(arguments, "keep_values", False)),
        cors_origins=None if cors is None else split_origins(cors),
        cors_credentials=getattr(arguments, "cors_credentials", None),
        functions=tuple(getattr(arguments, "functions", None) or ()),
        host_names=tuple(getattr(arguments, "host_names", None) or ()),
        tls=_tls(arguments),
        debug_port=getattr(arguments, "debug", None),
        interpreter=interpreter_of(app, getattr(arguments, "python", None)),
    )


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    cert: str | None = getattr(arguments, "cert", None)
    if not getattr(arguments, "use_https", False):
        if cert is not None:
            raise ValueError("--cert is for HTTPS: add --useHttps")
        return None
    from signalr_local.certificates import server_context

    return server_context(None if cert is None else Path(cert), getattr(arguments, "password", None))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time, expected a number of seconds")
    return seconds


def _debugger(text: str) -> int:
    found = _DEBUGPY.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not supported, expected "-m debugpy --listen PORT"; --debug PORT is the same'
        )
    return port_number(found[1])
