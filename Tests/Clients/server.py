"""Starts and stops the program under test."""
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import openai

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("ALMANAC_BIN", ROOT / ".build/debug/almanac")).resolve()
MODELS = os.environ.get("ALMANAC_MODELS", str(Path.home() / ".cache/almanac/models"))

# Servers that run now: when a test fails, the ends of their logs are printed.
running: list["Server"] = []


class Server:
    """One `almanac serve` with its own data directory, working directory, key and port."""

    def __init__(self, folder: Path, config: str = "", **settings: str):
        """`config` becomes `almanac.yaml` in the working directory; `settings` become `ALMANAC_…` variables."""
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.key = f"test-{secrets.token_hex(16)}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ALMANAC_")}
        self.environment |= {"ALMANAC_ADMIN_KEY": self.key, "ALMANAC_MODELS": MODELS, "NO_COLOR": "1", **settings}
        folder.mkdir(parents=True, exist_ok=True)
        if config:
            (folder / "almanac.yaml").write_text(config)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> "Server":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--data", self.data, "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        running.append(self)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}\n{self.tail()}"
            try:
                if httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the server was not ready within 60 s\n{self.tail()}")

    def stop(self):
        """Asks politely and expects a clean end within the 30 seconds that the product promises."""
        running.remove(self)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within 30 s of SIGTERM\n{self.tail()}") from None
        assert code == 0, f"the server ended with {code} after SIGTERM\n{self.tail()}"

    def kill(self):
        running.remove(self)
        self.process.kill()
        self.process.wait()

    def discard(self):
        """Ends a server whose way of ending is not what the test is about."""
        if self in running:
            self.kill()

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-60:]) if self.log.exists() else ""

    def http(self, key: str | None = None, **options) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60, **options)

    def openai(self, prefix: str = "/v1", key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base + prefix, api_key=key or self.key, max_retries=0, timeout=60)

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess:
        """Runs another `almanac` command over the same data directory."""
        return subprocess.run([BINARY, *arguments, "--data", self.data], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
