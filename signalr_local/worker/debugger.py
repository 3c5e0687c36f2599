"""A debugger for the app: debugpy, which waits for one to attach, or came with the runtime."""

import os
import socket
import sys
import threading
import time

__all__ = ["listen"]

_VARIABLE = "SIGNALR_LOCAL_DEBUG_PORT"
_PAUSE = 0.2
_PATIENCE = 30.0
"""Seconds that the worker before this one, which has the port, may take to end."""


def listen() -> bool:
    """Let a debugger attach, where the host asked for it, and tell whether it did.

    A debugger that started the runtime is here already: it follows into the processes that it starts. What
    goes wrong is said on standard error.
    """
    port = os.environ.pop(_VARIABLE, "")
    if not port and "pydevd" in sys.modules:
        return True
    if not port:
        if "PYTHONBREAKPOINT" not in os.environ:
            sys.breakpointhook = _skip
        return False
    # It warns of Python's own modules, into which nobody steps.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        import debugpy
    except ImportError as error:
        sys.stderr.write(f"The debugger cannot be had: {error}. Install debugpy.\n")
        return True
    ready = threading.Event()

    def wait_for_port() -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_server(("127.0.0.1", int(port))).close()
                # An adapter in a process of its own would outlive this one, and keep the port.
                debugpy.listen(("127.0.0.1", int(port)), in_process_debug_adapter=True)
            except (OSError, RuntimeError) as error:
                ready.set()
                if time.monotonic() > end:
                    sys.stderr.write(f"The debugger has no port {port}: {error}\n")
                    return
                time.sleep(_PAUSE)
            else:
                ready.set()
                sys.stderr.write(f"A debugger can attach to 127.0.0.1:{port}.\n")
                return

    # After a change of the app the old worker still has the port: this one starts without waiting.
    threading.Thread(target=wait_for_port, name="debugger", daemon=True).start()
    ready.wait(_PATIENCE)
    return True


def _skip(*_args: object, **_options: object) -> None:
    """Say that a breakpoint was skipped. The worker has no terminal, so that pdb would end the function."""
    frame = sys._getframe(1)
    sys.stderr.write(
        f"breakpoint() in {frame.f_code.co_filename}, line {frame.f_lineno}, was skipped: start the runtime "
        "with --debug and attach a debugger.\n"
    )
