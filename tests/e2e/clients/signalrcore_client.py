"""Drive signalrcore by lines of JSON: commands on standard input, results and events on standard output."""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from signalrcore.hub_connection_builder import HubConnectionBuilder

lock = threading.Lock()


def say(line: dict[str, Any]) -> None:
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class Client:
    def start(self, url: str, events: list[str]) -> None:
        opened = threading.Event()
        # It speaks MessagePack unless told.
        self._connection = HubConnectionBuilder().with_url(url).build()
        self._connection.on_open(opened.set)
        # An error does not reach the invocation's own callback.
        self._connection.on_error(self._completed)
        for event in events:
            self._connection.on(event, self._listener(event))
        self._connection.start()
        if not opened.wait(30):
            raise TimeoutError("signalrcore did not connect")

    def invoke(self, target: str, args: list[Any]) -> Any:
        self._answers: queue.Queue[Any] = queue.Queue()
        self._connection.send(target, args, on_invocation=self._completed)
        message = self._answers.get(timeout=30)
        if getattr(message, "error", None):
            raise RuntimeError(message.error)
        return getattr(message, "result", None)

    def stop(self) -> None:
        # It returns only when the server sends something more: nobody waits for it.
        threading.Thread(target=self._connection.stop, daemon=True).start()

    def _completed(self, message: Any) -> None:
        self._answers.put(message)

    def _listener(self, event: str) -> Callable[[Any], None]:
        return lambda arguments: say({"event": event, "arguments": arguments})


def answer(client: Client, id: int, command: str, rest: dict[str, Any]) -> None:
    try:
        say({"id": id, "result": getattr(client, command)(**rest)})
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
        say({"id": id, "error": str(error)})


def main() -> None:
    client = Client()
    for line in sys.stdin:
        rest = json.loads(line)
        threading.Thread(
            target=answer, args=(client, rest.pop("id"), rest.pop("command"), rest), daemon=True
        ).start()
    os._exit(0)


main()
