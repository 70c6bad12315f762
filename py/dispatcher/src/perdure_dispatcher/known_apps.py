"""What the answers of each app have told so far: whether several executions go to it in one request."""

from __future__ import annotations

from collections import OrderedDict

from perdure.wire.headers import MOST_IN_BATCH, TOOK_MS
from perdure.wire.http import HttpResponse

_MOST_APPS = 1000
_MOST_IN_BATCH = 100
_QUICK_MS = 100.0
_WEIGHT = 0.1  # of the latest execution in the average of their durations
_SINGLE_WHEN_REFUSED_S = 60.0
_SINGLE_WHEN_HELD_BACK_S = 600.0


class KnownApp:
    """The app at one URL. Times are of a clock that does not jump, in seconds."""

    __slots__ = ("_average_ms", "_most", "_single_until")

    def __init__(self) -> None:
        self._most = 1
        self._average_ms: float | None = None
        self._single_until = 0.0

    def most_in_batch(self, now: float) -> int:
        """Most executions in one request; 1 also for slow ones.

        Those gain nothing, and should spread over the app's processes, and not wait for each other.
        """
        is_quick = self._average_ms is not None and self._average_ms < _QUICK_MS
        return self._most if is_quick and now >= self._single_until else 1

    def answered(self, answer: HttpResponse, duration_ms: float) -> None:
        """A single request was answered: take note of what the app says that it takes, and took.

        Args:
            duration_ms: of the exchange, which counts when the app does not say how long it took itself.
        """
        took_ms = _number(answer.headers.get(TOOK_MS, ""))
        self.took(duration_ms if took_ms is None else took_ms)
        if answer.status == 200:
            self._most = min(_number(answer.headers.get(MOST_IN_BATCH, "")) or 1, _MOST_IN_BATCH)

    def took(self, duration_ms: float) -> None:
        """An execution ended, or was given up, after so long, without the time that it waited in the app.

        With that, an app that gets many at once would seem slow, be sent single ones, and become slow.
        """
        average_ms = duration_ms if self._average_ms is None else self._average_ms
        self._average_ms = average_ms + _WEIGHT * (duration_ms - average_ms)

    def refused(self, now: float) -> None:
        """One of its processes takes no batches, maybe an older one, and others may say that they do."""
        self._most, self._single_until = 1, now + _SINGLE_WHEN_REFUSED_S

    def held_back(self, now: float) -> None:
        """Something between keeps answers until the last has come."""
        self._single_until = now + _SINGLE_WHEN_HELD_BACK_S


def _number(text: str) -> int | None:
    return int(text[:9]) if text.isascii() and text.isdigit() else None


class KnownApps:
    """The apps that were asked last, by URL."""

    def __init__(self) -> None:
        self._apps: OrderedDict[str, KnownApp] = OrderedDict()

    def at(self, url: str) -> KnownApp:
        """The app at a URL, of which nothing may be known yet."""
        app = self._apps.get(url)
        if app is not None:
            self._apps.move_to_end(url)
            return app
        if len(self._apps) >= _MOST_APPS:
            self._apps.popitem(last=False)
        app = self._apps[url] = KnownApp()
        return app
