"""What the local runtime prints once it is up: the functions, as Core Tools list them, and the addresses."""

from signalr_local.host import admin
from signalr_local.host.announcements import describe
from signalr_local.host.console import say
from signalr_local.host.host import FunctionsHost

__all__ = ["say_functions", "say_page"]


def say_functions(host: FunctionsHost) -> None:
    """Print every function with its methods and address, or its trigger, and the address of the host."""
    instance = host.instance
    if instance is None:
        return
    base, prefix = host.url, instance.configuration.route_prefix
    functions = sorted(instance.table.functions, key=lambda item: (not item.is_http, item.name.lower()))
    say("\nFunctions:\n")
    for function in functions:
        say(f"\t{function.name}: {describe(function, base, prefix)}\n")
    for name in instance.table.disabled:
        say(f"\tFunction {name} is disabled.\n")
    say(f"Functions host: {base}")


def say_page(host: FunctionsHost) -> None:
    """Print the address to open in a browser, where the app serves a page at ``index``."""
    instance = host.instance
    if instance is None:
        return
    base, prefix = host.url, instance.configuration.route_prefix
    for function in instance.table.functions:
        if function.is_http and function.route == "index":
            say(f"\nOpen {admin.invoke_url(base, function, prefix)}")
    say("Ctrl+C stops.\n")
