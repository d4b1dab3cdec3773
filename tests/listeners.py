"""A listener that hears what a test says, when it says so."""

from core.signals import Listener


class FakeListener(Listener):
    """Connected until a test says otherwise, and to nothing."""

    def __init__(self) -> None:
        super().__init__("")
        self.is_connected = True

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    @is_connected.setter
    def is_connected(self, value: bool) -> None:
        (self._connected.set if value else self._connected.clear)()

    def deliver(self, topic: str, payload: str = "") -> None:
        self._dispatch(topic, payload)
