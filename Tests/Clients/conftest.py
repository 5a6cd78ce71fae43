"""One server with a scripted model server behind it, shared by all tests that leave it unharmed."""
import socket

import pytest

import server as servers
from knowledge import LIGHTHOUSE, MILL, expert, knowledge_base
from server import Server
from upstream import KEY, Upstream


def providers(url: str, dead_port: int) -> str:
    """Three providers: one that works, the same with deadlines of about a second, and one where nobody listens."""
    models = ["echo", "obey", "words:20", "trickle", "never", "garbage", "midstream-error", "reset", "vendor/echo",
              "status:401", "status:404", "status:429", "status:500"]
    impatient = ["impatient/never", "impatient/stall", "impatient/trickle"]

    def names(values):
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    return f"""providers:
  - name: fake
    base_url: "{url}"
    api_key: "{KEY}"
    models: {names(models)}
  - name: impatient
    base_url: "{url}"
    api_key: "{KEY}"
    models: {names(impatient)}
    timeouts: {{connect: 1, first_token: 1, gap: 1, total: 4}}
  - name: gone
    base_url: "http://127.0.0.1:{dead_port}/v1"
    api_key: "{KEY}"
    models: ["gone"]
    timeouts: {{connect: 1, first_token: 1, gap: 1, total: 4}}
"""


@pytest.fixture(scope="session")
def upstream():
    fake = Upstream()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory, upstream):
    # The port stays bound and unheard for the whole session, so that nobody else can come to listen on it.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        running = Server(tmp_path_factory.mktemp("almanac"), providers(upstream.url, nobody.getsockname()[1])).start()
        yield running
        running.stop()


@pytest.fixture
def another_server(tmp_path):
    """Makes servers of their own for tests that kill, restart or configure them differently."""
    made = []

    def make(**settings):
        made.append(Server(tmp_path / f"server{len(made)}", **settings))
        return made[-1]

    yield make
    for each in made:
        each.discard()


@pytest.fixture(scope="session")
def http(server):
    with server.http() as client:
        yield client


@pytest.fixture(scope="session")
def client(server):
    return server.openai()


@pytest.fixture(scope="session")
def light(client):
    return knowledge_base(client, "lighthouse", {"lighthouse.md": LIGHTHOUSE})


@pytest.fixture(scope="session")
def mill(client):
    return knowledge_base(client, "mill", {"mill.md": MILL})


@pytest.fixture(scope="session")
def keeper(http, light):
    """An expert who knows the lighthouse."""
    return expert(http, user_system_prompt="Answer like a harbour master.", knowledgebase_ids=[light], model="extractive")


@pytest.fixture(scope="session")
def stranger(server, http):
    """The secret of a user's key in another tenant."""
    made = http.post("/api/v1/keys", json={"name": "stranger", "role": "user", "tenant": "elsewhere"})
    assert made.status_code in (200, 201), made.text
    return made.json()["key"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for each in servers.running:
            report.sections.append((f"end of {each.log}", each.tail()))
    return report
