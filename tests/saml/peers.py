"""A SAML 2.0 identity provider (pysaml2), with a form for name and password, and a bridge from OpenID Connect to it (SATOSA).

    peers.py HOME BRIDGE_PORT IDP_PORT PUBLIC     PUBLIC is the URL of the server at which people log in

Both are others' programs; here they are only configured, and served. The bridge wants to be asked by TLS: its certificate is
HOME/tls.crt, and no authority's.
"""

import base64
import html
import json
import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

home, bridge_port, idp_port, public = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
bridge, idp = f"https://127.0.0.1:{bridge_port}", f"http://127.0.0.1:{idp_port}"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
# Name, password, and what the identity provider says of them.
PEOPLE = {
    "ada": ("of ada", {"o": "uni-a", "eduPersonAffiliation": ["curator", "member"]}),
    "eve": ("of eve", {"eduPersonAffiliation": ["admin"]}),
}


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certificate(name):
    key, cert = str(home / f"{name}.key"), str(home / f"{name}.crt")
    of = ["-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"]
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *of, "-keyout", key, "-out", cert)
    return {"key_file": key, "cert_file": cert}


def metadata_of(config, path):
    from saml2.metadata import create_metadata_string

    path.write_bytes(create_metadata_string(None, config, valid=48))


def bridge_config(sp_keys):
    openssl("genrsa", "-traditional", "-out", str(home / "frontend.key"), "2048")
    clients = {
        "ripieno": {
            "client_secret": "secret-of-the-tests",
            "redirect_uris": [f"{public}/login/callback"],
            "response_types": ["code"],
            "subject_type": "public",
            "token_endpoint_auth_method": "client_secret_basic",
        }
    }
    (home / "clients.json").write_text(json.dumps(clients))
    sp = {
        "entityid": f"{bridge}/saml/metadata",
        "metadata": {"local": [str(home / "idp.xml")]},
        **sp_keys,
        "service": {
            "sp": {
                "want_response_signed": False,
                "want_assertions_signed": True,
                "authn_requests_signed": True,
                "allow_unsolicited": False,
                "endpoints": {"assertion_consumer_service": [(f"{bridge}/saml/acs/post", POST)]},
                "name_id_format": [PERSISTENT],
            }
        },
    }
    return sp, {
        "BASE": bridge,
        "COOKIE_STATE_NAME": "SATOSA_STATE",
        "STATE_ENCRYPTION_KEY": os.urandom(16).hex(),
        "INTERNAL_ATTRIBUTES": {
            "attributes": {
                "tenant": {"openid": ["tenant"], "saml": ["o"]},
                "roles": {"openid": ["roles"], "saml": ["eduPersonAffiliation"]},
            }
        },
        "BACKEND_MODULES": [{"module": "satosa.backends.saml2.SAMLBackend", "name": "saml", "config": {"sp_config": sp}}],
        "FRONTEND_MODULES": [
            {
                "module": "satosa.frontends.openid_connect.OpenIDConnectFrontend",
                "name": "oidc",
                "config": {
                    "signing_key_path": str(home / "frontend.key"),
                    "signing_key_id": "frontend",
                    "client_db_path": str(home / "clients.json"),
                    "provider": {
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "scopes_supported": ["openid", "ripieno"],
                        "extra_scopes": {"ripieno": ["tenant", "roles"]},
                        "extra_id_token_claims": {"ripieno": ["tenant", "roles"]},
                    },
                },
            }
        ],
        "MICRO_SERVICES": [],
    }


def identity_provider(keys):
    from saml2.config import IdPConfig
    from saml2.server import Server

    settings = {
        "entityid": f"{idp}/metadata",
        **keys,
        "service": {
            "idp": {
                "endpoints": {"single_sign_on_service": [(f"{idp}/sso", REDIRECT)]},
                "want_authn_requests_signed": True,
                "name_id_format": [PERSISTENT],
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                "subject_data": str(home / "subjects"),
            }
        },
        "metadata": {"local": [str(home / "sp.xml")]},
    }
    metadata_of(IdPConfig().load({**settings, "metadata": {}}), home / "idp.xml")
    return lambda: Server(config=IdPConfig().load(settings))


def form(action, fields, more=""):
    hidden = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
    return f'<!doctype html><form method="post" action="{html.escape(action)}">{hidden}{more}<button>Go on</button></form>'


def idp_app(server):
    """The form, and what is sent once it was filled in."""

    def app(environ, start):
        path = environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        text = environ["wsgi.input"].read(length).decode() if path == "/login" else environ.get("QUERY_STRING", "")
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        status, page = "404 Not Found", "nothing"
        if path == "/sso":
            fields = {name: asked[name] for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature") if name in asked}
            status, page = "200 OK", form("/login", fields, '<input name="name"><input name="password" type="password">')
        elif path == "/login":
            password, attributes = PEOPLE.get(asked.get("name"), (None, None))
            if password is None or password != asked.get("password"):
                status, page = "403 Forbidden", "no such name, or not that password"
            else:
                signed = {"relay_state": "RelayState", "sigalg": "SigAlg", "signature": "Signature"}
                signed = {name: asked[field] for name, field in signed.items() if field in asked}
                request = server.parse_authn_request(asked["SAMLRequest"], REDIRECT, **signed)
                where = server.response_args(request.message)
                answer = server.create_authn_response(
                    identity=attributes,
                    userid=asked["name"],
                    authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": idp},
                    sign_assertion=True,
                    sign_response=False,
                    **{name: value for name, value in where.items() if name not in ("binding", "sign_response", "sign_assertion")},
                )
                fields = {"SAMLResponse": base64.b64encode(str(answer).encode()).decode()}
                if "RelayState" in asked:
                    fields["RelayState"] = asked["RelayState"]
                status, page = "200 OK", form(where["destination"], fields)
        start(status, [("Content-Type", "text/html; charset=utf-8")])
        return [page.encode()]

    return app


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main():
    from saml2.config import SPConfig
    from satosa.proxy_server import make_app
    from satosa.satosa_config import SATOSAConfig

    home.mkdir(parents=True, exist_ok=True)
    make_idp = identity_provider(certificate("idp"))
    sp, config = bridge_config(certificate("sp"))
    metadata_of(SPConfig().load({**sp, "metadata": {}}), home / "sp.xml")
    apps = {idp_port: idp_app(make_idp()), bridge_port: make_app(SATOSAConfig(config))}
    servers = [make_server("127.0.0.1", port, app, Threads, Quiet) for port, app in apps.items()]
    context, tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate("tls")
    context.load_cert_chain(tls["cert_file"], tls["key_file"])
    servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True)
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    print(f"bridge at {bridge}", flush=True)
    for thread in threads:
        thread.join()


main()
