// Package sealed is what the mechanisms of authentication have in common, and the body that carries their sealed messages.
//
// [Handshake] and [Context] are implemented by packages ntlmssp, krb5 and spnego. [Encode] and [Decode] write and read
// multipart/encrypted (MS-WSMV 2.2.9.1; facts/auth.md §2), which is not MIME: no empty line ends the part headers, and no line
// end stands between the binary and the delimiter after it. The binary is found by position and length alone; nothing is
// searched for in it, split or trimmed.
//
// The framing is not protected by the mechanism: whoever can change a body can leave out or repeat a part. It is the
// sequence numbers of the Context that notice it.
//
// The package does no I/O. CredSSP's multipart/x-multi-encrypted is refused by name.
package sealed
