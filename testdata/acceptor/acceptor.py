#!/usr/bin/python3
"""A WS-Management service for tests: HTTP/1.1 with sealed bodies, authenticated by MIT krb5 and gss-ntlmssp.

It is written from the specifications (MS-WSMV 2.2.9.1, RFC 4121, RFC 4559, RFC 5929) and shares nothing with the Go code that
it judges. It answers each sealed request with the same text, sealed, or as a remote shell does; flags make it misbehave. It
ends with its input.

Environment: KRB5_CONFIG and KRB5_KTNAME, the keytab of the service; NTLM_USER_FILE, with lines of DOMAIN:user:password.
Output: JSON objects, one a line. The first holds the port, each other one what became of a request.
"""

import argparse
import base64
import hashlib
import http.server
import json
import ssl
import sys
import threading

import gssapi

import sealing
import shell


class Refused(Exception):
    """The request gets a 401. The text goes to the log."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Who was authenticated is a property of it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.context = None  # what the tokens so far led to
        self.scheme = ""  # that they came with
        self.operations = 0
        self.previous = None  # the last sealed answer

    def do_POST(self):
        self.record = {"connection": self.client_address[1], "leg": "Authorization" in self.headers}
        token = None
        try:
            body = self.rfile.read(self.length())
            if self.record["leg"]:
                self.authenticate(body)
            else:
                self.operation(body)
            return
        except Refused as e:
            self.record["refused"] = str(e)
        except (sealing.Malformed, ValueError) as e:
            self.record["refused"] = f"malformed: {e}"
        except gssapi.exceptions.GSSError as e:
            self.record["refused"] = f"GSS-API: {e}"
            token = e.token
        self.context = None
        self.answer(401, challenges=[self.challenge(s, token if s == self.scheme else None) for s in sealing.PROTOCOLS])

    def length(self):
        """Returns the length of the body, which has to be announced: chunks are refused."""
        if "Transfer-Encoding" in self.headers or "Content-Length" not in self.headers:
            self.close_connection = True
            raise ValueError("no Content-Length")
        return int(self.headers["Content-Length"])

    @staticmethod
    def challenge(scheme, token):
        return f"{scheme} {base64.b64encode(token).decode()}" if token else scheme

    def authenticate(self, body):
        """Takes one token, which travels with an empty body."""
        scheme, _, token = self.headers["Authorization"].partition(" ")
        if scheme not in sealing.PROTOCOLS or body:
            raise ValueError(f"scheme {scheme}, {len(body)} octets of body")
        if self.context is None or self.context.complete:
            self.context = gssapi.SecurityContext(usage="accept", channel_bindings=self.server.bindings)
        self.scheme, self.operations, self.previous = scheme, 0, None
        out = self.context.step(base64.b64decode(token, validate=True))
        if not self.context.complete:
            self.answer(401, challenges=[self.challenge(scheme, out)])
            return
        if scheme == "Kerberos" and self.context.mech != gssapi.MechType.kerberos:
            raise ValueError("scheme Kerberos with another mechanism")
        self.identify()
        self.answer(200, challenges=[self.challenge(scheme, out)] if out else [])

    def identify(self):
        """Records who is authenticated, and how."""
        self.record["scheme"] = self.scheme
        self.record["mechanism"] = sealing.mechanism(self.context)
        self.record["user"] = str(self.context.initiator_name).rstrip("\0")  # gss-ntlmssp counts the NUL

    def operation(self, body):
        """Takes one sealed request and answers it with its own text, or as a remote shell does."""
        if self.context is None or not self.context.complete:
            raise Refused("nobody is authenticated")
        self.operations += 1
        if self.operations == self.server.options.expire:
            raise Refused("the session has expired")
        self.identify()
        kind = self.headers.get("Content-Type", "")
        if self.server.options.unsealed and kind == sealing.SOAP:
            self.reply(body)
            return
        text, signature = sealing.unseal(self.context, sealing.PROTOCOLS[self.scheme], kind, body)
        self.record.update(signature=signature, size=len(text), sha256=hashlib.sha256(text).hexdigest())
        if not text and self.record["mechanism"] == "NTLM":
            text = b"0"  # gss-ntlmssp unseals an empty text and refuses to seal one
        self.reply(shell.answer(text) if self.server.options.shell else text)

    def reply(self, text):
        """Sends text as the flags want it."""
        options = self.server.options
        if options.answer == "clear":
            self.answer(options.status, text, sealing.SOAP)
            return
        if options.answer == "skipped":
            sealing.wrap(self.context, text, options.layout)
        kind, body = sealing.seal(
            self.context, sealing.PROTOCOLS[self.scheme], text, layout=options.layout, framing=options.framing
        )
        if options.answer == "altered":
            last = body.rindex(b"--" + sealing.BOUNDARY.encode()) - 1
            body = body[:last] + bytes([body[last] ^ 1]) + body[last + 1 :]
        if options.answer == "replayed" and self.previous is not None:
            body = self.previous
        self.previous = body
        self.answer(options.status, body, kind)

    def answer(self, status, body=b"", kind=None, challenges=()):
        self.record["status"] = status
        self.server.log(self.record)
        self.send_response(status)
        for c in challenges:
            self.send_header("WWW-Authenticate", c)
        if kind is not None:
            self.send_header("Content-Type", kind)
            if self.server.options.close:
                self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keeps http.server quiet."""


class Server(http.server.ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1."""

    daemon_threads = True

    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.options = options
        self.lock = threading.Lock()
        self.bindings = sealing.end_point(*options.bindings) if options.bindings else None
        if options.tls:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*options.tls)
            # Each connection's own thread does its handshake.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def log(self, record):
        with self.lock:
            print(json.dumps(record), flush=True)

    def handle_error(self, request, client_address):
        """Records what ended a connection: a client may hang up on an answer that it refuses."""
        self.log({"connection": client_address[1], "broken": repr(sys.exc_info()[1])})


def parse():
    p = argparse.ArgumentParser(description="a WS-Management service for tests")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="serve https with these PEM files")
    p.add_argument("--bindings", nargs=2, metavar=("CERT", "HASH"), help="want the channel bindings of this certificate")
    p.add_argument("--unsealed", action="store_true", help="take text in clear, too")
    p.add_argument("--layout", choices=sealing.LAYOUTS, default="windows", help="of Kerberos tokens that go out")
    p.add_argument("--framing", choices=sealing.FRAMINGS, default="plain", help="of bodies that go out")
    p.add_argument("--answer", choices=("sealed", "clear", "altered", "replayed", "skipped"), default="sealed")
    p.add_argument("--status", type=int, default=200, help="of answers to operations")
    p.add_argument("--expire", type=int, default=0, metavar="N", help="refuse the Nth operation of each connection")
    p.add_argument("--shell", action="store_true", help="answer as a remote shell does")
    p.add_argument("--close", action="store_true", help="close the connection after each operation")
    return p.parse_args()


def main():
    server = Server(parse())
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
