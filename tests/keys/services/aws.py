"""Plays AWS KMS for what local-kms has not: hosts that are denied, or whose credentials have expired. The access key says what is wrong. Prints its port."""

import http.server
import json
import re

KEY = "arn:aws:kms:eu-west-1:111122223333:key/bc436485-5092-42b8-92a3-0aa8b93536dc"
REFUSALS = {
    "AKIADENIEDDENIEDDENI": (
        "AccessDeniedException",
        f"User: arn:aws:iam::111122223333:user/web is not authorized to perform: kms:Decrypt on resource: {KEY}",
    ),
    "ASIAEXPIREDEXPIREDEX": ("ExpiredTokenException", "The security token included in the request is expired"),
    "AKIASTRANGERSTRANGER": ("UnrecognizedClientException", "The security token included in the request is invalid."),
}


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        name = re.search("Credential=([A-Z]+)/", self.headers["Authorization"])[1]
        code, message = REFUSALS[name]
        body = json.dumps({"__type": code, "message": message}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
print(server.server_port, flush=True)
server.serve_forever()
