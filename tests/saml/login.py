"""Somebody who logs in to `ripieno serve` by way of a SAML identity provider, whose browser is played: every page is followed and every
form sent as it stands, with a name and a password where they are asked for.

    login.py SERVER CERTIFICATE     CERTIFICATE is that of the bridge
"""

import base64
import http.cookiejar
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser


class Forms(HTMLParser):
    """The first form of a page: where it goes, and its fields."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes["action"]
        elif tag == "input" and self.action is not None:
            self.fields[attributes["name"]] = attributes.get("value", "")


class Browser:
    def __init__(self, certificate):
        self.cookies = http.cookiejar.CookieJar()
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate))
        cookies = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(tls, cookies)
        self.opener.addheaders = []

    def ask(self, url, fields=None, headers=None):
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(url, body, headers or {})
        try:
            answer = self.opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.geturl(), answer.status, answer.read().decode()

    def login(self, start, name, password, tampered=False):
        """Follows every page from `start` on; says where it ends."""
        url, status, page = self.ask(start)
        for _ in range(6):
            forms = Forms(page)
            if status != 200 or forms.action is None or "/logout" in forms.action:
                break
            if "password" in forms.fields:
                forms.fields.update(name=name, password=password)
            if tampered and "SAMLResponse" in forms.fields:
                answer = base64.b64decode(forms.fields["SAMLResponse"]).replace(b"uni-a", b"uni-b")
                forms.fields["SAMLResponse"] = base64.b64encode(answer).decode()
            url, status, page = self.ask(urllib.parse.urljoin(url, forms.action), forms.fields)
        return url, status, page


def main(server, certificate):
    def attempt(name, password, tampered=False):
        browser = Browser(certificate)
        return browser, *browser.login(f"{server}/login", name, password, tampered)

    ada, url, status, page = attempt("ada", "of ada")
    assert (url, status) == (f"{server}/session", 200), (url, status, page)
    assert "uni-a" in page and "curator" in page and "upload and delete scores" in page, page
    _, status, jobs = ada.ask(f"{server}/v1/jobs")
    assert status == 200 and json.loads(jobs)["jobs"] == [], jobs
    _, status, page = ada.ask(f"{server}/logout", {}, {"Sec-Fetch-Site": "same-origin"})
    assert status == 401 and 'href="/login"' in page, (status, page)
    assert ada.ask(f"{server}/v1/jobs")[1] == 401

    for what, (browser, url, status, page) in {
        "another password": attempt("ada", "of eve"),
        "nobody": attempt("nobody", ""),
        "another tenant written into what was signed": attempt("ada", "of ada", tampered=True),
        "somebody of no tenant": attempt("eve", "of eve"),
    }.items():
        assert status >= 400, (what, url, status, page)
        assert browser.ask(f"{server}/v1/jobs")[1] == 401, what
    assert "it names no tenant" in page, page
    print("saml: let in by an identity provider, through a bridge, and out again; four others are not")


if __name__ == "__main__":
    main(*sys.argv[1:])
