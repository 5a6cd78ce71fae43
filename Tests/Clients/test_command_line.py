"""The commands do their work with a server and without one."""
import json
import subprocess

import pytest

from knowledge import LIGHTHOUSE, MILL
from server import BINARY


@pytest.fixture
def place(another_server):
    """A data directory without a server yet, and a folder of documents beside it."""
    server = another_server()
    folder = server.folder / "papers"
    (folder / "inner").mkdir(parents=True)
    (folder / "lighthouse.md").write_text(LIGHTHOUSE)
    (folder / "inner" / "mill.txt").write_text(MILL)
    return server


def run(place, *arguments: str, code: int = 0) -> str:
    """Runs a command, checks its exit code, gives its standard output."""
    done = place.run(*arguments)
    assert done.returncode == code, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def documents(place, name: str) -> list[str]:
    """The file names in a knowledge base, as the running server tells them."""
    client = place.openai()
    store, = (store.id for store in client.vector_stores.list() if store.name == name)
    names = [client.files.retrieve(document.id).filename for document in client.vector_stores.files.list(store)]
    return sorted(name.rsplit("/", 1)[-1] for name in names)


def test_adding_twice_adds_nothing_with_and_without_a_server(place):
    for added, known in ((2, 0), (0, 2)):
        told = run(place, "add", "papers", "--kb", "shore", "--wait")
        assert told == f"{added} added · {known} already known · 0 failed\n"
    place.start()
    assert documents(place, "shore") == ["lighthouse.md", "mill.txt"]
    run(place, "add", "papers", "--kb", "shore", "--wait")
    assert documents(place, "shore") == ["lighthouse.md", "mill.txt"]
    (place.folder / "papers" / "ferry.md").write_text("# Ferry\n\nThe ferry leaves at 06:45 from pier nine.\n")
    run(place, "add", "papers", "--kb", "shore", "--wait")
    assert documents(place, "shore") == ["ferry.md", "lighthouse.md", "mill.txt"]
    place.stop()


@pytest.mark.parametrize("with_server", [False, True])
def test_syncing_mirrors_a_folder_and_does_nothing_twice(place, with_server):
    if with_server:
        place.start()

    def sync(*options: str, code: int = 0) -> dict:
        done = json.loads(run(place, "sync", "papers", "--kb", "shore", "--wait", "--json", *options, code=code))
        return {key: value for key, value in done.items() if key in ("added", "replaced", "deleted", "unchanged") and value}

    papers = place.folder / "papers"
    assert sync("--dry-run") == {"added": 2}
    assert sync() == {"added": 2}
    assert sync() == {"unchanged": 2}
    (papers / "lighthouse.md").write_text(LIGHTHOUSE.replace("1871", "1902"))
    (papers / "copy.md").write_text(MILL)  # of the content of another file
    (papers / "inner" / "mill.txt").unlink()
    assert sync("--dry-run", "--delete") == {"added": 1, "replaced": 1, "deleted": 1}
    assert sync() == {"added": 1, "replaced": 1}
    assert sync("--delete") == {"deleted": 1, "unchanged": 2}
    found = run(place, "search", "When was the lighthouse built?", "--kb", "shore")
    assert "1902" in found and "1871" not in found
    assert "rye" in run(place, "search", "What does the mill grind?", "--kb", "shore")
    (papers / "broken.txt").write_bytes(bytes(range(256)) * 40)
    assert sync(code=6) == {"added": 1, "unchanged": 2}
    jobs = json.loads(run(place, "job", "list", "--status", "failed", "--json"))
    assert len(jobs) == 1 and jobs[0]["reason"] == "unreadable"
    run(place, "job", "watch", jobs[0]["id"], code=1)
    assert json.loads(run(place, "job", "show", jobs[0]["id"]))["status"] == "failed"
    run(place, "job", "cancel", jobs[0]["id"], code=5)
    assert run(place, "job", "retry", "--failed").strip() == "1 queued"
    # An empty folder may be a disk that is not there.
    run(place, "sync", "void", "--kb", "shore", code=3)
    (place.folder / "void").mkdir()
    run(place, "sync", "void", "--kb", "shore", "--delete", code=5)
    emptied = json.loads(run(place, "sync", "void", "--kb", "shore", "--delete", "--allow-empty", "--json"))
    assert emptied["deleted"] == 3
    if with_server:
        place.stop()


@pytest.mark.parametrize("with_server", [False, True])
def test_searching_and_asking(place, with_server):
    if with_server:
        place.start()
    run(place, "add", "papers/lighthouse.md", "papers/inner/mill.txt", "--kb", "shore", "--wait")
    found = run(place, "search", "When did the last keeper retire?", "--kb", "shore", "--json")
    assert isinstance(json.loads(found), (dict, list))
    assert "1994" in found and "lighthouse.md" in found
    assert found.index("1994") < found.index("rye") if "rye" in found else True
    assert "1994" in run(place, "search", "When did the last keeper retire?", "--kb", "shore")
    answer = run(place, "ask", "When was the lighthouse of Velden built?", "--kb", "shore")
    assert "1871" in answer and "lighthouse.md" in answer
    assert "shore" in json.dumps(json.loads(run(place, "kb", "list", "--json")))
    if with_server:
        place.stop()


@pytest.mark.parametrize("with_server", [False, True])
def test_exit_codes(place, with_server):
    if with_server:
        place.start()
    run(place, "add", "papers", "--kb", "shore", "--wait")
    for command in ("search", "ask"):
        missing = place.run(command, "Who?", "--kb", "no-such-shore")
        assert missing.returncode == 3 and "no-such-shore" in missing.stderr and not missing.stdout.strip()
    run(place, "search", code=2)
    run(place, "search", "Who?", "--kb", "shore", "--no-such-option", code=2)
    run(place, "no-such-command", code=2)
    (place.folder / "papers" / "broken.txt").write_bytes(bytes(range(256)) * 40)
    run(place, "add", "papers", "--kb", "shore", "--wait", code=6)
    if with_server:
        place.stop()


def test_a_wrong_key_is_exit_code_4(place):
    place.start()
    place.environment["ALMANAC_ADMIN_KEY"] = "not-the-key-of-this-server"
    done = place.run("kb", "list")
    # The data directory is ours, so a command may also do without a key; it must not fail in any other way.
    assert done.returncode in (0, 4), done.stderr


def test_help_and_wrong_settings(place):
    help = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=60)
    assert help.returncode == 0 and all(name in help.stdout for name in ("serve", "add", "search", "ask"))
    (place.folder / "almanac.yaml").write_text("provider: []\n")
    wrong = place.run("serve", "--port", str(place.port), timeout=30)
    assert wrong.returncode in (1, 2) and "providers" in wrong.stderr, "a misspelt setting gets a suggestion"


def test_extracting_and_cutting_need_no_data(place):
    # These two only read a file, so they take no data directory.
    for command in (["extract", "papers/lighthouse.md"], ["chunk", "papers/lighthouse.md", "--json"]):
        done = subprocess.run([BINARY, *command], cwd=place.folder, env=place.environment, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0 and "1871" in done.stdout, done.stderr
    assert not place.data.exists()
