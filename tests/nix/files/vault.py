"""Plays the transit engine `a/b` of Vault, with the key `sops`. It encrypts by base64, for those who have the token or sign in as a role."""

import http.server
import json


# What the engine says of keys that do not open what they are asked for.
REFUSALS = {
    "replaced": "cipher: message authentication failed",
    "raised": "ciphertext or signature version is disallowed by policy (too old)",
}


class Engine(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/auth/approle/login":
            if asked == {"role_id": "the-role", "secret_id": "the-secret"}:
                return self.answer(200, {"auth": {"client_token": "hvs.good"}})
            return self.answer(400, {"errors": ["invalid role or secret ID"]})
        action, key = self.path.removeprefix("/v1/a/b/").split("/")
        token = self.headers.get("X-Vault-Token")
        if token != "hvs.good":
            # Vault makes a list of what is wrong.
            errors = ["permission denied"] if token == "hvs.weak" else ["permission denied", "invalid token"]
            plural = "s" if len(errors) > 1 else ""
            listed = "".join(f"\t* {error}\n" for error in errors)
            self.answer(403, {"errors": [f"{len(errors)} error{plural} occurred:\n{listed}\n"]})
        elif key in REFUSALS:
            self.answer(400, {"errors": [REFUSALS[key]]})
        elif key != "sops":
            self.answer(400, {"errors": ["encryption key not found"]})
        elif action == "encrypt":
            self.answer(200, {"data": {"ciphertext": "vault:v1:" + asked["plaintext"]}})
        else:
            self.answer(200, {"data": {"plaintext": asked["ciphertext"].removeprefix("vault:v1:")}})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 8200), Engine).serve_forever()
