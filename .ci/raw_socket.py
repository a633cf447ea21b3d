"""Speaks the service's protocol by hand: what a client that is not ours may have done for it.

    raw_socket.py SOCKET VERSION

Sends wishes that change something, and an errand that copies the store. Ends with 0 if each was refused.
"""

import json
import socket
import struct
import sys

TENANT = {"partner": "emea", "tenant": "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90"}
WISHES = [
    {"import": {"scope": {"all": None}, "list": True, "reason": None}},
    {"probe": {"tenants": [], "reason": None}},
    {"sync": {"partner": None}},
    {"cancel": {"run": 1, "tenant": None}},
    {"kick": {"session": 1}},
]


def pack(value):
    """MessagePack of what the frames above are made of."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xce" + struct.pack(">I", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(part) for pair in value.items() for part in pair)


class Line:
    """A connection, frame by frame."""

    def __init__(self, path, protocol, version, door):
        self.way = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.way.settimeout(60)
        self.way.connect(path)
        self.send({"protocol": protocol, "version": version, "door": door, "hints": {"key": None, "address": None}})
        welcome = self.receive()
        assert b"Welcome" in welcome[:16], welcome[:300]

    def send(self, value):
        frame = pack(value)
        self.way.sendall(struct.pack(">I", len(frame)) + frame)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.way.recv(count - len(data))
            assert part, "the service closed the line"
            data += part
        return data

    def receive(self):
        return self.exactly(struct.unpack(">I", self.exactly(4))[0])

    def until(self, *kinds):
        """The next frame of one of these kinds; its kind is the one key of its map."""
        while True:
            frame = self.receive()
            head = frame[:16]
            if any(kind in head for kind in kinds):
                return frame


def main(path, protocol, version):
    """Counts what was refused."""
    refused = 0
    asked = 0
    line = Line(path, protocol, version, "Console")
    line.until(b"Whole")
    for wish in WISHES:
        asked += 1
        line.send({"Wish": wish})
        answer = line.until(b"Refused", b"Accepted", b"Done")
        print(answer[:200])
        refused += b"Refused" in answer[:16] and b"needs" in answer
    for errand in [{"format": "json", "wish": "backup"}, {"format": "json", "wish": {"backup": "/tmp/raw"}}]:
        asked += 1
        line = Line(path, protocol, version, {"Call": json.dumps(errand)})
        code = line.until(b"Code")
        print(code)
        # 6: the role does not allow it. 2: the service knows no errand that names a file.
        refused += code[-1] in (6, 2)
    # A greeting with something in it that nobody knows is no greeting.
    asked += 1
    line = Line.__new__(Line)
    line.way = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.way.settimeout(60)
    line.way.connect(path)
    hints = {"key": None, "address": None, "role": "admin"}
    line.send({"protocol": protocol, "version": version, "door": "Console", "hints": hints})
    refused += line.way.recv(1) == b""
    print(f"refused: {refused} of {asked}")
    return 0 if refused == asked else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
