"""Telling systemd that a service is ready and alive, so that it starts one again that hangs; see sd_notify(3)."""

import os
import socket
import time


class Watchdog:
    """Tells the service manager that named itself in the environment; where none did, it does nothing."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._pause = int(os.environ.get("WATCHDOG_USEC") or 0) / 1_000_000 / 3
        self._told = 0.0

    def ready(self) -> None:
        """The service has started."""
        self._send("READY=1")

    def alive(self, status: str = "") -> None:
        """The service goes on; tells three times in the interval that the manager asks for."""
        now = time.monotonic()
        if self._pause and now - self._told >= self._pause:
            self._told = now
            self._send(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The service ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.connect(address)
                channel.sendall(message.encode())
        except OSError:
            return  # A manager that is gone needs to be told nothing.
