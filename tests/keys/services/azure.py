"""Plays Azure: the directory in which applications sign in, vaults with a real RSA key, and the metadata services of machines. For tests.

    azure.py DIRECTORY [ADDRESS]

It is a proxy: whoever uses it for HTTPS gets to this server, whatever the host. DIRECTORY gets `ca.pem`, the authority that vouches for it, `app.pem`, the
certificate and the key of an application (TEST KEYS, made for this run), and `log`, a line for each request. The port of the proxy is printed. If there is
an ADDRESS, the metadata service of a virtual machine is there, at port 80.

What is answered is as the documentation of Azure has it. The RSA operations are those of openssl. The name of a key, and the secret of an application,
say what is wrong with them.
"""

import base64
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIRECTORY = sys.argv[1]
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-aaaaaaaaaaaa"
VERSION = "0123456789abcdef0123456789abcdef"
HOSTS = [
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.chinacloudapi.cn",
    "*.vault.azure.net",
    "*.vault.azure.cn",
    "*.managedhsm.azure.net",
    "*.vault.corp.example",
]
DOMAINS = ["vault.azure.net", "vault.azure.cn", "managedhsm.azure.net", "vault.corp.example"]
DIRECTORY_FAULTS = {
    "expired-secret": "7000222: The provided client secret keys for app are expired.",
    "wrong": "7000215: Invalid client secret provided.",
    "late": "700024: Client assertion is not within its valid time range.",
}
VAULT_FAULTS = {
    "denied": (403, "Forbidden", "Caller is not authorized to perform action on resource.", "ForbiddenByRbac"),
    "disabled": (403, "Forbidden", "Operation decrypt is not allowed on a disabled key.", "KeyDisabled"),
    "gone": (404, "KeyNotFound", "A key with (name/id) gone was not found in this key vault.", None),
    "replaced": (400, "BadParameter", "The parameter is incorrect.", None),
}


def openssl(arguments: str, text: bytes = b"") -> bytes:
    command = ["openssl", *arguments.split()]
    return subprocess.run(command, input=text, capture_output=True, check=True, cwd=DIRECTORY).stdout


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_keys() -> None:
    with open(f"{DIRECTORY}/names", "w") as names:
        names.write("subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS))
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    openssl(f"req -x509 {curve} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem")
    openssl(f"req {curve} -subj /CN=server -keyout server.key -out server.csr")
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem")
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out vault.key")
    openssl("pkey -in vault.key -pubout -out vault.pub")
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=app -keyout app.key -out app.crt")
    openssl("x509 -in app.crt -noout -pubkey -out app.pub")
    with open(f"{DIRECTORY}/app.pem", "w") as app:
        # The authority stands first, to be told from the certificate of the application.
        app.write("".join(open(f"{DIRECTORY}/{name}").read() for name in ("ca.pem", "app.crt", "app.key")))


def is_ours(assertion: str, audience: str) -> bool:
    """Whether the application has signed the assertion, for this audience, and now."""
    head, claims, signature = assertion.split(".")
    fields, said = json.loads(decode(head)), json.loads(decode(claims))
    der = openssl("x509 -in app.crt -outform DER")
    print_of_app = openssl("dgst -sha256 -binary", der)
    with LOCK, open(f"{DIRECTORY}/log", "a") as log:
        print("an assertion", "with" if "x5c" in fields else "without", "certificates", file=log)
    with open(f"{DIRECTORY}/signature", "wb") as file:
        file.write(decode(signature))
    pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"
    openssl(f"dgst -sha256 {pss} -verify app.pub -signature signature", f"{head}.{claims}".encode())
    return (
        fields["alg"] == "PS256"
        and decode(fields["x5t#S256"]) == print_of_app
        and base64.b64decode(fields.get("x5c", [base64.b64encode(der)])[0]) == der
        and said["aud"] == audience
        and said["iss"] == said["sub"] == CLIENT
        and said["nbf"] <= time.time() < said["exp"] <= time.time() + 601
        and len(said["jti"]) > 20
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = ""

    def log_message(self, *arguments) -> None:
        pass

    def answer(self, status: int, body: object, **headers: str) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_CONNECT(self) -> None:
        self.host = self.path.split(":")[0]
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.connection = CONTEXT.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        self.route("")

    def do_POST(self) -> None:
        self.route(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def route(self, body: str) -> None:
        with LOCK, open(f"{DIRECTORY}/log", "a") as log:
            who = "with a token" if "Authorization" in self.headers else "without a token"
            print(self.command, self.host or "here", self.path, who, file=log)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if not self.host:
            self.metadata(url.path, query)
        elif self.host.startswith("login."):
            self.directory(url.path, dict(urllib.parse.parse_qsl(body)))
        else:
            self.vault(url.path, body)

    def metadata(self, path: str, query: dict[str, str]) -> None:
        is_machine = path == "/metadata/identity/oauth2/token" and self.headers.get("Metadata") == "true"
        is_service = path == "/msi/token" and self.headers.get("X-IDENTITY-HEADER") == "header"
        if not (is_machine or is_service):
            return self.answer(400, {"error": "bad_request_102", "error_description": "Required metadata header not specified"})
        version = "2018-02-01" if is_machine else "2019-08-01"
        if query.get("client_id", CLIENT) != CLIENT:
            return self.answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        assert query["api-version"] == version, query
        self.answer(200, {"access_token": f"token for {query['resource']}/.default", "token_type": "Bearer"})

    def directory(self, path: str, form: dict[str, str]) -> None:
        here = f"https://{self.host}/{TENANT}"
        if "discovery/instance" in path:
            aliases = {"preferred_network": self.host, "preferred_cache": self.host, "aliases": [self.host]}
            document = f"{here}/v2.0/.well-known/openid-configuration"
            return self.answer(200, {"tenant_discovery_endpoint": document, "api-version": "1.1", "metadata": [aliases]})
        if path.endswith("/openid-configuration"):
            names = ("token_endpoint", "oauth2/v2.0/token"), ("authorization_endpoint", "authorize"), ("issuer", "v2.0")
            return self.answer(200, {name: f"{here}/{rest}" for name, rest in names})
        audience = f"https://{self.host}{path}"
        if path != f"/{TENANT}/oauth2/v2.0/token":
            return self.refuse("90002: Tenant not found.")
        if form["client_id"] != CLIENT:
            return self.refuse("700016: Application was not found in the directory.")
        if "client_assertion" in form:
            assertion = form["client_assertion"]
            assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            if assertion == "late":
                return self.refuse(DIRECTORY_FAULTS["late"])
            if assertion != "federated" and not is_ours(assertion, audience):
                return self.refuse("700027: Client assertion failed signature validation.")
        elif form["client_secret"] not in ("right~ secret+/", "weak-secret"):
            return self.refuse(DIRECTORY_FAULTS.get(form["client_secret"], DIRECTORY_FAULTS["wrong"]))
        assert form["grant_type"] == "client_credentials", form
        token = "weak token" if form.get("client_secret") == "weak-secret" else "token"
        token = f"{token} for {form['scope'].split()[0]}"
        self.answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def refuse(self, words: str) -> None:
        description = f"AADSTS{words} Trace ID: 0 Correlation ID: 1 Timestamp: 2026-11-30 06:00:00Z"
        self.answer(401, {"error": "invalid_client", "error_description": description})

    def vault(self, path: str, body: str) -> None:
        domain = next(domain for domain in DOMAINS if self.host.endswith(f".{domain}"))
        tenant = "99999999-2222-3333-4444-555555555555" if self.host.startswith("foreign.") else TENANT
        resource = "https://management.azure.com" if self.host.startswith("greedy.") else f"https://{domain}"
        if "Authorization" not in self.headers:
            challenge = f'Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="{resource}"'
            return self.answer(401, {"error": {"code": "Unauthorized"}}, WWW_Authenticate=challenge)
        is_weak = self.headers["Authorization"] == f"Bearer weak token for {resource}/.default"
        if not is_weak and self.headers["Authorization"] != f"Bearer token for {resource}/.default":
            return self.answer(401, {"error": {"code": "Unauthorized", "message": "AKV10022: Invalid audience."}})
        _, keys, name, version, operation = path.split("/")
        if operation == "decrypt" and (is_weak or name in VAULT_FAULTS):
            status, code, message, inner = VAULT_FAULTS["denied" if is_weak else name]
            inner = {"innererror": {"code": inner}} if inner else {}
            return self.answer(status, {"error": {"code": code, "message": message, **inner}})
        assert (keys, version) in (("keys", VERSION), ("keys", "")), path
        asked = json.loads(body)
        assert asked["alg"] == "RSA-OAEP-256", asked
        padding = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"
        key = "-inkey vault.key" if operation == "decrypt" else "-pubin -inkey vault.pub"
        value = openssl(f"pkeyutl -{operation} {key} {padding}", decode(asked["value"]))
        self.answer(200, {"kid": f"https://{self.host}/keys/{name}/{VERSION}", "value": encode(value)})


make_keys()
LOCK = threading.Lock()
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(f"{DIRECTORY}/server.pem", f"{DIRECTORY}/server.key")
for address in sys.argv[2:]:
    machine = ThreadingHTTPServer((address, 80), Handler)
    threading.Thread(target=machine.serve_forever, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
