"""Clients who leave take their work with them: upstream requests end, and nothing of them stays in the server.

`Benchmarks/disconnects` does the same a thousand times a route.
"""
import pytest

from knowledge import ask, content
from leaving import configuration, leave

CHAT = {"messages": [{"role": "user", "content": "Tell me a long story."}]}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_fifty_clients_leave_nothing_behind(another_server, upstream, stream):
    server = another_server(config=configuration(upstream)).start()
    # As many first, so that all is open by then that so many need.
    leave(server, upstream, "/v1/chat/completions", CHAT, stream, 50)
    report = leave(server, upstream, "/v1/chat/completions", CHAT, stream, 50)
    assert report.cancelled == 50
    # The promise is a second; a busy machine is given some more.
    assert report.percentile(0.5) < 3
    # Connections to the database open when they are first needed, and stay.
    assert report.after.descriptors <= report.before.descriptors + 4
    assert report.after.threads <= report.before.threads + 4
    with server.http() as http:
        assert content(ask(http, "Hello", model="words:20")).split() == ["word"] * 20
    server.stop()
