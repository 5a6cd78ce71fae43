"""The console comes out of the binary to everyone, runs nothing that is not its own, and opens nothing behind it."""
from html.parser import HTMLParser

import httpx
import pytest

from knowledge import error, question

ASSETS = {"/": "text/html", "/console/app.js": "text/javascript", "/console/style.css": "text/css"}


def load(server, path: str) -> httpx.Response:
    """Without a key, as a browser does."""
    return httpx.get(server.base + path, timeout=10)


class Page(HTMLParser):
    """What a page refers to, and whether it brings script or style of its own."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses, self.inline, self.open = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open = tag
        for name, value in attributes:
            if name in ("href", "src", "action", "data", "srcset"):
                self.addresses.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open in ("script", "style") and data.strip():
            self.inline.append(self.open)


@pytest.mark.parametrize("path, kind", ASSETS.items())
def test_each_file_loads_without_a_key_as_what_it_is(server, path, kind):
    answer = load(server, path)
    assert answer.status_code == 200 and answer.text
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ASSETS)
def test_each_file_comes_with_the_headers_that_bind_a_browser(server, path):
    headers = load(server, path).headers
    policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "microphone=()" in headers["permissions-policy"]


def test_the_page_refers_to_its_own_files_only_and_has_nothing_inline(server):
    page = Page(load(server, "/").text)
    own = [httpx.URL(server.base + "/").join(address) for address in page.addresses if not address.startswith("data:")]
    assert {str(address) for address in own} == {server.base + path for path in ASSETS if path != "/"}
    assert page.inline == []


def test_the_script_never_turns_text_into_markup_or_code_and_keeps_the_key_in_its_tab(server):
    script = load(server, "/console/app.js").text
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                 "localStorage", "document.cookie", "://"):
        assert word not in script, word


def test_the_script_has_a_text_for_every_name_on_the_page(server):
    page, script = load(server, "/").text, load(server, "/console/app.js").text
    names = {part.split('"', 1)[0] for part in page.split('data-text="')[1:]}
    assert names and all(f"\n    {name}: [" in script for name in names)


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/x", "/console/index.html", "/console/app.js/x"])
def test_there_is_nothing_else_beside_these_files(server, http, path):
    assert load(server, path).status_code in (401, 404)
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("method, path", [
    ("GET", "/v1/models"), ("GET", "/api/v1/knowledgebases"), ("POST", "/api/v1/knowledgebases"),
    ("GET", "/api/v1/experts"), ("GET", "/api/v1/keys"), ("POST", "/v1/chat/completions"), ("GET", "/v1/files"),
])
def test_the_interface_behind_it_stays_closed(server, method, path):
    body = question("Anyone?") if method == "POST" else None
    error(httpx.request(method, server.base + path, json=body, timeout=10), 401)
