"""Bytes that came after a reply's end: the next request must not be answered by them.

A server, or a gateway before it, that says too short a length sends the rest of one reply where
the next one is expected: every later answer would be another call's.
"""

from typing import Any

import httpcore


def spoil(response: httpcore.Response) -> bool:
    """Whether more came with a reply that was read to its end; its connection then closes with it.

    Over HTTP/2 nothing can: every frame says whose it is.
    """
    state = _http11_state(response)
    if state is None or not state.trailing_data[0]:
        return False
    # A connection that failed to send is not used again; the state machine knows no other word.
    state.send_failed()
    return True


def _http11_state(response: httpcore.Response) -> Any:
    stream: Any = response.stream
    while stream is not None:
        state = getattr(getattr(stream, "_connection", None), "_h11_state", None)
        if state is not None:
            return state
        stream = getattr(stream, "_stream", None)
    return None
