#!/usr/bin/env python3
"""What it costs `ripieno serve` to know who asks: CPU microseconds of the whole server a request, over one connection.

    PYTHON who_asks.py RIPIENO          PYTHON with tests/requirements.txt; RIPIENO is the program, built for release

A small request (`GET /v1/analyses/key`) with an API key, with access tokens signed by RS256 (2048 bits) and by ES256, each time another token,
`REQUESTS` times in turn, in seven rounds. Prints the medians, and how much dearer than a key a token is.
"""
import base64, http.client, http.server, json, os, statistics, subprocess, sys, tempfile, threading, time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

REQUESTS, ROUNDS = 2000, 7
PUBLIC = "https://ripieno.example"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def jwks():
    numbers, point = RSA.public_key().public_numbers(), EC.public_key().public_numbers()
    number = lambda value, length: b64(value.to_bytes(length, "big"))
    return {"keys": [
        {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "RS256", "n": number(numbers.n, 256), "e": number(numbers.e, 3)},
        {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "ES256", "x": number(point.x, 32), "y": number(point.y, 32)},
    ]}


def token(issuer, algorithm, number):
    now = int(time.time())
    claims = {"iss": issuer, "aud": PUBLIC, "sub": "somebody", "iat": now, "exp": now + 3600, "jti": str(number),
              "tenant": "uni-a", "roles": ["analyst"], "scope": "jobs:read scores:read"}
    text = f'{b64(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": algorithm}).encode())}.{b64(json.dumps(claims).encode())}'
    if algorithm == "RS256":
        signature = RSA.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        r, s = utils.decode_dss_signature(EC.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{text}.{b64(signature)}"


def provider():
    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            pages = {"/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}, "/keys": jwks()}
            page = pages.get(self.path)
            body = json.dumps(page).encode()
            self.send_response(200 if page else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return issuer


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(ripieno):
    issuer = provider()
    with tempfile.TemporaryDirectory() as data:
        environment = dict(os.environ, RIPIENO_AUTH="keys,oauth", RIPIENO_OAUTH_ISSUER=issuer, RIPIENO_PUBLIC_URL=PUBLIC)
        key = subprocess.run([ripieno, "--data", data, "keys", "add", "bench", "--tenant", "uni-a", "--role", "analyst"],
                             capture_output=True, text=True, check=True, env=environment).stdout.split()[0]
        limits = {"RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX": "1000000"}
        server = subprocess.Popen([ripieno, "--data", data, "serve", "--listen", "127.0.0.1:0"], env=dict(environment, **limits),
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            port = int(server.stdout.readline().split("127.0.0.1:")[1].split("/")[0].split()[0])
            threading.Thread(target=server.stdout.read, daemon=True).start()
            fresh = {name: iter([token(issuer, name, number) for number in range(REQUESTS * ROUNDS)]) for name in ("RS256", "ES256")}
            ways = {"key": lambda: key}
            ways |= {name: tokens.__next__ for name, tokens in fresh.items()}
            cost = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, shown in ways.items():
                    connection, before = http.client.HTTPConnection("127.0.0.1", port), cpu_seconds(server.pid)
                    for _ in range(REQUESTS):
                        connection.request("GET", "/v1/analyses/key", headers={"authorization": f"Bearer {shown()}"})
                        answer = connection.getresponse()
                        body = answer.read()
                        assert answer.status == 200, (way, answer.status, body)
                    cost[way].append((cpu_seconds(server.pid) - before) * 1e6 / REQUESTS)
                    connection.close()
            medians = {way: round(statistics.median(costs), 1) for way, costs in cost.items()}
            print(json.dumps({"us_a_request": medians, "us_dearer_than_a_key": {
                way: round(statistics.median(costs[i] - cost["key"][i] for i in range(ROUNDS)), 1) for way, costs in cost.items() if way != "key"}}))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
