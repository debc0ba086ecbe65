"""Plays Google Cloud KMS and the token endpoint of Google, and prints its port. Its argument is a file with the private key (PKCS#1) of the service account,
whose signatures it checks. It encrypts by base64, with the name of the key in front, for those who have a token that is good."""

import base64
import hashlib
import http.server
import json
import sys
import time
import urllib.parse

ACCOUNT = "web@p.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/cloudkms"
GOOD = {"Bearer good"}


def modulus(path):
    """The second number of the key, which is the modulus: its length is in the two bytes before it."""
    key = base64.b64decode("".join(open(path).read().split("-----")[2].split()))
    start = key.index(b"\x02\x01\x00\x02\x82") + 7
    return int.from_bytes(key[start : start + int.from_bytes(key[start - 2 : start], "big")], "big")


MODULUS = modulus(sys.argv[1])


def check_sum(data):
    total = 0xFFFFFFFF
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ (0x82F63B78 if total & 1 else 0)
    return str(total ^ 0xFFFFFFFF)


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def fault_of(statement, audience):
    """Why the statement is not believed, by RFC 8017, section 8.2.2, with the exponent 65537; nothing if it is."""
    signed, _, signature = statement.rpartition(".")
    header, claims = (json.loads(decoded(part)) for part in signed.split("."))
    size = (MODULUS.bit_length() + 7) // 8
    kind = bytes.fromhex("3031300d060960864801650304020105000420")
    expected = kind + hashlib.sha256(signed.encode()).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(expected) - 3) + b"\x00" + expected
    if header["alg"] != "RS256" or pow(int.from_bytes(decoded(signature), "big"), 65537, MODULUS).to_bytes(size, "big") != expected:
        return "Invalid JWT Signature."
    if not claims["iat"] <= time.time() < claims["exp"] <= claims["iat"] + 3600:
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    if (claims["iss"], claims["scope"], claims["aud"]) != (ACCOUNT, SCOPE, audience):
        return "Invalid JWT: " + json.dumps(claims)
    return None


class Google(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self.issue(dict(urllib.parse.parse_qsl(body.decode())))
        else:
            name, _, action = urllib.parse.urlsplit(self.path).path.removeprefix("/v1/").partition(":")
            self.use(name, action, json.loads(body))

    def issue(self, form):
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer", form
        why = fault_of(form["assertion"], "http://" + self.headers["Host"] + "/token")
        if why:
            self.answer(400, {"error": "invalid_grant", "error_description": why})
        else:
            GOOD.add("Bearer issued")
            self.answer(200, {"access_token": "issued", "expires_in": 3599, "token_type": "Bearer"})

    def use(self, name, action, asked):
        version = name + "/cryptoKeyVersions/1"
        text = base64.b64decode(asked["plaintext" if action == "encrypt" else "ciphertext"])
        own = name.encode() + b"\n"
        if self.headers["Authorization"] == "Bearer weak":
            permission = "cloudkms.cryptoKeyVersions.useToDecrypt"
            self.refuse(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource '{name}' (or it may not exist).")
        elif self.headers["Authorization"] not in GOOD:
            self.refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        elif name.endswith("/none"):
            self.refuse(404, "NOT_FOUND", f"CryptoKey {name} not found.")
        elif name.endswith("/off"):
            self.refuse(400, "FAILED_PRECONDITION", f"{version} is not enabled, current state is: DISABLED.")
        elif action == "encrypt":
            self.answer(200, {"name": version, "ciphertext": base64.b64encode(own + base64.b64encode(text)).decode()})
        elif asked["ciphertextCrc32c"] != check_sum(text):
            self.refuse(400, "INVALID_ARGUMENT", "The checksum in field ciphertext_crc32c did not match the data in field ciphertext.")
        elif not text.startswith(own):
            self.refuse(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
        else:
            plaintext = text.removeprefix(own)
            total = check_sum(base64.b64decode(plaintext))
            self.answer(200, {"plaintext": plaintext.decode(), "plaintextCrc32c": total, "usedPrimary": True})

    def refuse(self, code, status, message):
        self.answer(code, {"error": {"code": code, "message": message, "status": status}})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Google)
print(server.server_port, flush=True)
server.serve_forever()
