"""The MLLP door: HL7 v2 messages over a TCP connection kept open, plain or TLS; a listener, a client.

Source: HL7 v2 transport specification, MLLP Release 2; port 2575 is registered for it.
"""

from __future__ import annotations

from adapters.mllp.client import Sender
from adapters.mllp.frames import END, START, Framer, FrameRefused, frame
from adapters.mllp.listener import Answer, Limits, Listener
from adapters.mllp.security import client_context, server_context

__all__ = [
    "END",
    "START",
    "Answer",
    "FrameRefused",
    "Framer",
    "Limits",
    "Listener",
    "Sender",
    "client_context",
    "frame",
    "server_context",
]
