"""The processes of a worker: itself, and whatever its functions started."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["Family", "describe_exit", "is_stopped", "out_of_memory_kills"]

_TERM_GRACE = 0.3
"""Seconds that the children of a worker which has ended have to end by themselves."""

_STEP = 0.02

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Windows knows one way to end a process, at once."""

# It outlives a host that is killed, whatever the app does, and then ends what the host could not: a second
# later, so that functions that run can end. A line says that there is nothing left to do.
# A shell puts its jobs into groups of their own, which Linux tells of: state, parent, group and session.
_GUARD = """
{
  read -r _ && exit
  sleep 1
  kill -KILL "-$1"
  for stat in /proc/[0-9]*/stat; do
    read -r line < "$stat" || continue
    set -- "$1" ${line##*) }
    pid=${stat#/proc/}
    [ "$5" != "$1" ] || kill -KILL "${pid%/stat}"
  done
} 2>/dev/null
"""

_VMSTAT = Path("/proc/vmstat")


class Family:
    """A worker, which leads a session of its own, and the processes that it started in this session.

    A child that the app puts into a session of its own is meant to outlive the app, and does. On Windows,
    which has no sessions, the family is the worker alone.
    """

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._guard: asyncio.subprocess.Process | None = None

    async def guard(self) -> None:
        """See to it that the family does not outlive this process, even if this process is killed."""
        if sys.platform == "win32":
            return
        self._guard = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", _GUARD, "sh", str(self._leader)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End all of them now."""
        self._signal(_KILL)

    async def end(self) -> None:
        """End those that the worker left behind: by SIGTERM, a moment later by SIGKILL."""
        self._signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _TERM_GRACE
        while self._is_alive() and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_STEP)  # nothing tells of the end of somebody else's child
        self.kill()
        await self._dismiss()

    async def _dismiss(self) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None  # noqa: S101 - it was opened as a pipe
        with suppress(OSError):
            guard.stdin.write(b"\n")
            await guard.stdin.drain()
        guard.stdin.close()
        await guard.wait()

    def _signal(self, number: int) -> None:
        if sys.platform == "win32":
            with suppress(OSError):
                os.kill(self._leader, number)
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader, number)
        # A shell puts its jobs into groups of their own.
        for pid in self._others():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _is_alive(self) -> bool:
        if sys.platform == "win32":
            return False
        try:
            os.killpg(self._leader, 0)
        except ProcessLookupError:
            return bool(self._others())
        except PermissionError:
            return False
        return True

    def _others(self) -> list[int]:
        """Return the members of the session, on systems that list processes as files."""
        try:
            pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        except OSError:
            return []
        return [pid for pid in pids if _session(pid) == self._leader]


def describe_exit(code: int, *, out_of_memory: bool = False) -> str:
    """Return how a process ended, to follow "the worker process ended"."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        name += (
            ": the system had run out of memory" if out_of_memory else ", from outside or for want of memory"
        )
    return f"by {name}"


def out_of_memory_kills() -> int:
    """Return how many processes the system has ended for want of memory; 0 where it does not say."""
    with suppress(OSError, ValueError):
        for line in _VMSTAT.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def is_stopped(pid: int) -> bool:
    """Tell whether somebody has stopped a process, which may go on; False where the system does not say."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] in ("T", "t")


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
