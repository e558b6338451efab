"""A remote shell for tests (MS-WSMV 3.1.4): it knows one command, which repeats its command line and ends at once.

Requests are matched by namespace. What a request must have and has not is a ValueError.
"""

import base64
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"

SHELL_ID = "0E1F6E2B-56A6-4C5B-8A3C-3B0C7D5E9A10"
COMMAND_ID = "5B9D3C52-7C0F-4B0E-9C64-1D2E3F405162"
EXIT_CODE = 3

_lines = {}  # of the commands, by their id


def answer(text):
    """Returns the answer to a request, both of them octets."""
    envelope = ET.fromstring(text)
    action = _text(envelope, f"{{{SOAP}}}Header/{{{ADDRESSING}}}Action")
    if action != f"{TRANSFER}/Create":
        if _text(envelope, f".//{{{WSMAN}}}Selector[@Name='ShellId']") != SHELL_ID:
            raise ValueError("another shell")
    bodies = {
        f"{TRANSFER}/Create": _create,
        f"{SHELL}/Command": _command,
        f"{SHELL}/Receive": _receive,
        f"{SHELL}/Signal": lambda _: "<rsp:SignalResponse/>",
        f"{TRANSFER}/Delete": lambda _: "",
    }
    if action not in bodies:
        raise ValueError(f"action {action}")
    message = _text(envelope, f"{{{SOAP}}}Header/{{{ADDRESSING}}}MessageID")
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" xmlns:x="{TRANSFER}" xmlns:rsp="{SHELL}">'
        f"<s:Header><a:Action>{action}Response</a:Action><a:RelatesTo>{escape(message)}</a:RelatesTo></s:Header>"
        f"<s:Body>{bodies[action](envelope)}</s:Body></s:Envelope>"
    ).encode()


def _text(envelope, path):
    found = envelope.find(path)
    if found is None:
        raise ValueError(f"no {path}")
    return found.text or ""


def _create(_):
    return (
        f'<x:ResourceCreated><a:ReferenceParameters><w:SelectorSet><w:Selector Name="ShellId">{SHELL_ID}</w:Selector>'
        "</w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>"
    )


def _command(envelope):
    _lines[COMMAND_ID] = _text(envelope, f".//{{{SHELL}}}Command")
    return f"<rsp:CommandResponse><rsp:CommandId>{COMMAND_ID}</rsp:CommandId></rsp:CommandResponse>"


def _receive(envelope):
    """Writes the command line to stdout, cut in the middle of its first character, and its length to stderr."""
    wanted = envelope.find(f".//{{{SHELL}}}DesiredStream")
    if wanted is None or wanted.get("CommandId") not in _lines:
        raise ValueError("another command")
    line = _lines[COMMAND_ID].encode()
    pieces = [("stdout", line[:1]), ("stdout", line[1:]), ("stderr", str(len(line)).encode())]
    streams = "".join(
        f'<rsp:Stream Name="{name}" CommandId="{COMMAND_ID}">{base64.b64encode(octets).decode()}</rsp:Stream>' for name, octets in pieces
    )
    return (
        f'<rsp:ReceiveResponse>{streams}<rsp:CommandState CommandId="{COMMAND_ID}" State="{SHELL}/CommandState/Done">'
        f"<rsp:ExitCode>{EXIT_CODE}</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>"
    )
