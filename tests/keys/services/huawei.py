"""Plays Huawei Cloud KMS and its identity service, and prints its port. It checks all signatures. It encrypts by base64, with the key in front, for those who
may do so."""

import base64
import calendar
import hashlib
import hmac
import http.server
import json
import re
import time
import urllib.parse

PROJECT = "0123456789abcdef0123456789abcdef"
# The secret halves of access keys, and the tokens that belong to them.
SECRETS = {"HPUAGOODGOODGOODGOOD": "half", "HPUAWEAKWEAKWEAKWEAK": "half", "HSTATEMPORARYTEMPORA": "half"}
TOKENS = {"HSTATEMPORARYTEMPORA": "token"}
OFF = "00000000-0000-0000-0000-00000000000f"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Huawei(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        if self.is_signed(b"") and self.path.startswith("/v3/projects?"):
            projects = [{"id": PROJECT}] if query == "name=cn-north-4" else []
            self.answer(200, {"projects": projects})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.is_signed(body):
            action = self.path.removeprefix(f"/v1.0/{PROJECT}/kms/")
            self.use(action, json.loads(body))

    def is_signed(self, body):
        pattern = r"SDK-HMAC-SHA256 Access=(\w+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
        key, names, signature = re.fullmatch(pattern, self.headers["Authorization"]).groups()
        address = urllib.parse.urlsplit(self.path)
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names.split(";"))
        canonical = f"{self.command}\n{address.path}/\n{address.query}\n{headers}\n{names}\n{sha256(body)}"
        date = self.headers["X-Sdk-Date"]
        signed = f"SDK-HMAC-SHA256\n{date}\n{sha256(canonical.encode())}"
        expected = hmac.new(SECRETS.get(key, "").encode(), signed.encode(), hashlib.sha256).hexdigest()
        self.key = key
        if signature != expected or "x-sdk-date" not in names.split(";"):
            self.gateway("Incorrect IAM authentication information: verify aksk signature fail")
        elif abs(calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.time()) > 900:
            self.gateway("Incorrect IAM authentication information: the date is too far")
        elif self.headers.get("X-Security-Token") != TOKENS.get(key):
            self.gateway("Incorrect IAM authentication information: token expires, expires_at: 2026-01-01T00:00:00Z")
        else:
            return True
        return False

    def use(self, action, asked):
        assert asked["encryption_algorithm"] == "SYMMETRIC_DEFAULT", asked
        key = asked["key_id"]
        assert re.fullmatch("[0-9a-z-]{36}", key), asked
        if self.key == "HPUAWEAKWEAKWEAKWEAK":
            self.refuse(403, "KMS.0306", "No access rights.")
        elif key == OFF:
            self.refuse(400, "KMS.0209", "The key has been disabled.")
        elif action == "encrypt-data":
            text = base64.b64encode((key + asked["plain_text"]).encode()).decode()
            self.answer(200, {"key_id": key, "cipher_text": text})
        elif action == "decrypt-data":
            text = base64.b64decode(asked["cipher_text"]).decode()
            if text.startswith(key):
                self.answer(200, {"key_id": key, "plain_text": text.removeprefix(key)})
            else:
                self.refuse(400, "KMS.0901", "Failed to decrypt the data.")
        else:
            self.answer(404, {"error_code": "APIGW.0101", "error_msg": "The API does not exist."})

    def gateway(self, message):
        self.answer(401, {"error_code": "APIGW.0301", "error_msg": message, "request_id": "1"})

    def refuse(self, status, code, message):
        self.answer(status, {"error": {"error_code": code, "error_msg": message}})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Huawei)
print(server.server_port, flush=True)
server.serve_forever()
