import socket

import pytest

from tests.ports import held


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_server_can_listen_where_nobody_else_can(host: str):
    with held(2) as ports:
        assert len(set(ports)) == 2
        for port in ports:
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))
            with socket.create_server((host, port)), socket.create_connection(("127.0.0.1", port)):
                pass
