#!/usr/bin/python3
"""A WS-Management client for tests: authenticates with MIT krb5 or gss-ntlmssp and seals its requests.

It shares nothing with the Go code that it judges. Its input is a JSON list of texts to send, its output one JSON object with
the statuses of the legs and the answers.

Environment: KRB5CCNAME and KRB5_CONFIG, or NTLM_USER_FILE with a line DOMAIN:user:password.
"""

import argparse
import base64
import http.client
import json
import ssl
import sys

import gssapi
from gssapi.raw import RequirementFlag

import sealing

FLAGS = (
    RequirementFlag.mutual_authentication,
    RequirementFlag.replay_detection,
    RequirementFlag.out_of_sequence_detection,
    RequirementFlag.confidentiality,
    RequirementFlag.integrity,
)


class Session:
    """One connection to the server."""

    def __init__(self, options):
        self.scheme = options.scheme
        self.previous = None  # the last body that was sent
        if options.ca:
            tls = ssl.create_default_context(cafile=options.ca)
            self.http = http.client.HTTPSConnection(options.host, options.port, context=tls, timeout=30)
        else:
            self.http = http.client.HTTPConnection(options.host, options.port, timeout=30)
        bindings = sealing.end_point(*options.bindings) if options.bindings else None
        inner = sealing.NTLM if options.mechanism == "ntlm" else gssapi.MechType.kerberos
        outer = sealing.SPNEGO if options.spnego else inner
        creds = gssapi.Credentials(usage="initiate", mechs=[outer])
        if options.spnego:
            gssapi.raw.set_neg_mechs(creds, [inner])
        name = gssapi.Name(f"HTTP@{options.host}", gssapi.NameType.hostbased_service)
        self.context = gssapi.SecurityContext(
            name=name, creds=creds, mech=outer, flags=sum(FLAGS), usage="initiate", channel_bindings=bindings
        )

    def post(self, body, headers):
        self.http.request("POST", "/wsman", body=body, headers=headers)
        answer = self.http.getresponse()
        return answer, answer.read()

    def authenticate(self):
        """Exchanges tokens on empty bodies and returns the status of each leg."""
        statuses, token = [], self.context.step()
        while token:
            header = f"{self.scheme} {base64.b64encode(token).decode()}"
            answer, _ = self.post(b"", {"Authorization": header})
            statuses.append(answer.status)
            token = self.challenge(answer)
            if token:
                token = self.context.step(token)
        return statuses

    def challenge(self, answer):
        """Returns the server's token, if it sent one."""
        for value in answer.headers.get_all("WWW-Authenticate", []):
            scheme, _, token = value.partition(" ")
            if scheme == self.scheme and token:
                return base64.b64decode(token, validate=True)
        return None

    def operation(self, text, options):
        """Sends text and returns what the answer holds."""
        protocol = sealing.PROTOCOLS[self.scheme]
        kind, body = sealing.seal(self.context, protocol, text.encode(), layout=options.layout)
        if options.send == "clear":
            kind, body = sealing.SOAP, text.encode()
        if options.send == "altered":
            last = body.rindex(b"--" + sealing.BOUNDARY.encode()) - 1
            body = body[:last] + bytes([body[last] ^ 1]) + body[last + 1 :]
        if options.send == "replayed" and self.previous is not None:
            body = self.previous
        self.previous = body
        answer, body = self.post(body, {"Content-Type": kind})
        record = {"status": answer.status, "signature": 0, "text": ""}
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("multipart/encrypted"):
            text, record["signature"] = sealing.unseal(self.context, protocol, kind, body, before="\t")
            record["text"] = text.decode()
        return record


def parse():
    p = argparse.ArgumentParser(description="WS-Management client for tests")
    p.add_argument("host")
    p.add_argument("port", type=int)
    p.add_argument("--scheme", choices=tuple(sealing.PROTOCOLS), default="Negotiate")
    p.add_argument("--mechanism", choices=("ntlm", "kerberos"), default="kerberos")
    p.add_argument("--spnego", action="store_true", help="wrap the mechanism in SPNEGO")
    p.add_argument("--layout", choices=sealing.LAYOUTS, default="windows", help="of Kerberos tokens that go out")
    p.add_argument("--send", choices=("sealed", "clear", "altered", "replayed"), default="sealed")
    p.add_argument("--ca", metavar="CERT", help="use https and trust this PEM file")
    p.add_argument("--bindings", nargs=2, metavar=("CERT", "HASH"), help="send the channel bindings of this certificate")
    return p.parse_args()


def main():
    options = parse()
    session = Session(options)
    result = {"legs": [], "mechanism": "", "error": "", "answers": []}
    try:
        result["legs"] = session.authenticate()
        if session.context.complete and result["legs"][-1] == 200:
            result["mechanism"] = sealing.mechanism(session.context)
            result["answers"] = [session.operation(text, options) for text in json.load(sys.stdin)]
    except (sealing.Malformed, gssapi.exceptions.GSSError) as e:
        result["error"] = str(e)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
