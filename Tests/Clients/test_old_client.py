"""A program from mid-2024, with openai 1.30, still works."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from server import ROOT

PYTHON = Path(os.environ.get("ALMANAC_OLD_PYTHON", ROOT / ".venv/openai-1.30/bin/python"))


@pytest.mark.skipif(not PYTHON.exists(), reason=f"there is no {PYTHON}; Scripts/setup makes it")
def test_a_client_of_2024_works(server):
    run = subprocess.run([PYTHON, Path(__file__).with_name("old_client.py"), server.base, server.key],
                         capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["openai"].startswith("1.30.")
    assert found["document"] == "completed" and found["content"] is True
    assert "06:45" in found["answer"] and found["streamed"] == found["answer"] and found["source"] == "ferry.md"
    assert {"extractive", "all-MiniLM-L6-v2", "vendor/echo"} <= set(found["models"])
    assert found["retrieved"] == "vendor/echo" and found["dimensions"] == 384
    assert found["unknown"] == "model_not_found"
