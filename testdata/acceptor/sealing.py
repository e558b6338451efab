"""Sealed bodies of WS-Management (MS-WSMV 2.2.9.1) over GSS-API, for acceptor.py and initiator.py.

What comes in is held to one form: of a client the careful one, of a host the one that clients expect of
Windows. What goes out can take each form that servers send.
"""

import hashlib
import re
import ssl
import struct

import gssapi
from gssapi import raw

SOAP = "application/soap+xml;charset=UTF-8"
BOUNDARY = "Encrypted Boundary"
PROTOCOLS = {
    "Negotiate": "application/HTTP-SPNEGO-session-encrypted",
    "Kerberos": "application/HTTP-Kerberos-session-encrypted",
}

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")

LAYOUTS = ("windows", "mit")

# The forms that servers are known to send: what stands before part headers, before a boundary's name, after the last boundary.
FRAMINGS = {
    "plain": ("", "--", "\r\n"),
    "blanks": ("  ", "--", "\r\n"),
    "tab": ("\t", "--", "\r\n"),
    "exchange": ("", "-- ", "\r\n"),
    "unended": ("", "--", ""),
    "empty line": ("", "--", "\r\n\r\n"),
    "lower case": ("", "--", "\r\n"),
    "two pairs": ("", "--", "\r\n"),
}


class Malformed(Exception):
    """The body is not what MS-WSMV says."""


def mechanism(context):
    """The name of the mechanism that carries context, also inside SPNEGO."""
    if context.mech == NTLM:
        return "NTLM"
    if context.mech == gssapi.MechType.kerberos:
        return "Kerberos"
    return context.mech.dotted_form


def end_point(path, hash_name):
    """Channel bindings tls-server-end-point (RFC 5929) of the certificate in path, whose own signature uses hash_name."""
    with open(path, encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    data = b"tls-server-end-point:" + hashlib.new(hash_name, der).digest()
    return raw.ChannelBindings(application_data=data)


def wrap(context, text, layout):
    """Returns the signature and the sealed data of text.

    In layout "windows" the sealed data is as long as text: Kerberos' trailer is rotated to the signature (RFC 4121 4.2.5). In
    layout "mit" a Kerberos token is as gss_wrap gives it, not rotated, and its 16 octets of header serve as the signature.
    """
    if mechanism(context) == "Kerberos" and layout == "windows":
        buffers = raw.IOV(raw.IOVBufferType.header, text, std_layout=False)
        raw.wrap_iov(context, buffers, confidential=True)
        return buffers[0].value, buffers[1].value
    token = context.wrap(text, True).message
    return token[:16], token[16:]


def seal(context, protocol, text, layout="windows", framing="plain"):
    """Returns the Content-Type and the body that carry text."""
    before, dashes, end = FRAMINGS[framing]
    texts = [text]
    if framing == "two pairs":
        texts = [text[: len(text) // 2], text[len(text) // 2 :]]
    delimiter = dashes + BOUNDARY
    body = b""
    for part in texts:
        signature, data = wrap(context, part, layout)
        head = [
            delimiter,
            f"{before}Content-Type: {protocol}",
            f"{before}OriginalContent: type={SOAP};Length={len(part)}",
            delimiter,
            f"{before}Content-Type: application/octet-stream",
            "",
        ]
        lines = "\r\n".join(head)
        if framing == "lower case":
            lines = re.sub(r"(?m)^[A-Za-z-]+:", lambda m: m[0].lower(), lines)
        body += lines.encode() + struct.pack("<I", len(signature)) + signature + data
    body += (delimiter + "--" + end).encode()
    return f'multipart/encrypted;protocol="{protocol}";boundary="{BOUNDARY}"', body


def unseal(context, protocol, kind, body, before=""):
    """Returns the text that body carries and the length of its signature. before stands before part headers."""
    if kind != f'multipart/encrypted;protocol="{protocol}";boundary="{BOUNDARY}"':
        raise Malformed(f"Content-Type {kind}")
    delimiter = "--" + BOUNDARY
    head = re.match(
        f"{delimiter}\r\n{before}Content-Type: {protocol}\r\n"
        f"{before}OriginalContent: type={re.escape(SOAP)};Length=(0|[1-9][0-9]*)\r\n"
        f"{delimiter}\r\n{before}Content-Type: application/octet-stream\r\n".encode(),
        body,
    )
    tail = (delimiter + "--\r\n").encode()
    if head is None or not body.endswith(tail):
        raise Malformed("not the two parts of a sealed body")
    binary = body[head.end() : -len(tail)]
    if len(binary) < 4:
        raise Malformed("no signature")
    (signature,) = struct.unpack("<I", binary[:4])
    if signature > len(binary) - 4:
        raise Malformed("signature longer than the body")
    text, encrypted, _ = context.unwrap(binary[4:])
    if not encrypted:
        raise Malformed("signed and not sealed")
    if len(text) != int(head[1]):
        raise Malformed("Length is not that of the text")
    return text, signature
