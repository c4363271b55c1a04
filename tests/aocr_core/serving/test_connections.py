import threading
import time
from typing import Any

import urllib3

from aocr_core.serving.connections import Connections


def test_threads_that_begin_together_share_the_connections(monkeypatch):
    made = []

    class Slow(urllib3.PoolManager):
        def __init__(self, **options: Any) -> None:
            made.append(self)
            time.sleep(0.2)  # long enough for the others to look as well
            super().__init__(**options)

    monkeypatch.setattr(urllib3, "PoolManager", Slow)
    connections, found = Connections(None, 1.0, 4), []
    threads = [
        threading.Thread(target=lambda: found.append(connections._pool("http://127.0.0.1:1/"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections.close()
    assert len(made) == 1 and found == made * 4
