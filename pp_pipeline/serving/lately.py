"""What was done lately in this process, so that the same once more is known for it."""

from collections import OrderedDict

_MOST = 100_000


class Lately:
    """A set that forgets what was added first when it grows too large."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._done: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def __contains__(self, identity: tuple[str, ...]) -> bool:
        return identity in self._done

    def add(self, identity: tuple[str, ...]) -> None:
        """Remember it."""
        self._done[identity] = None
        while len(self._done) > self._most:
            self._done.popitem(last=False)
