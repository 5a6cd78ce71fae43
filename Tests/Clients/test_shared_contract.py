"""The conformance script that lies beside the repository, where it does."""
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from server import ROOT

CONFORMANCE = Path(os.environ.get("ALMANAC_CONFORMANCE", ROOT.parent / "shared/conformance"))


@pytest.fixture
def fake():
    """The script's own model server: the base address of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, CONFORMANCE / "fake_upstream.py", "--port", str(port)])
    base, deadline = f"http://127.0.0.1:{port}/v1", time.monotonic() + 20
    while True:
        try:
            httpx.get(f"{base}/models")
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    yield base
    process.kill()
    process.wait()


@pytest.mark.skipif(not (CONFORMANCE / "alan_contract.py").exists(), reason="the conformance script is not there")
def test_the_conformance_script_passes_whole(another_server, fake):
    # No list of models: the server asks the provider which ones it has.
    server = another_server(ALMANAC_UPSTREAM_URL=fake, ALMANAC_UPSTREAM_KEY="fake").start()
    run = subprocess.run(
        [sys.executable, CONFORMANCE / "alan_contract.py", server.base, server.key, "--upstream-model", "echo"],
        capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    server.stop()
