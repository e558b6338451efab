// Package krb5 is the part of Kerberos 5 that a client and a test server need to talk over WS-Management: the exchange of
// AP-REQ and AP-REP as GSS-API tokens, the sealed messages of RFC 4121 in the layout of WinRM (facts/auth.md §4), the
// exchanges with a KDC, and the files that hold tickets, keys and settings.
//
// It does no input and no output: files come and go as octets, clocks and random sources can be handed in. Encryption types
// are 17 to 20, AES of RFC 3962 and RFC 8009; there is no RC4 and no DES, whatever a peer asks for. Mutual authentication is
// not optional. There is no delegation, no DCE style and no user-to-user authentication.
//
// Key derivation, string-to-key and the ASN.1 of messages are those of gokrb5, behind a fence: what it makes of a peer's octets
// is bounded in length and its panics are errors. What a KDC or a service refuses is an [*Error]; all other errors say
// what was wrong with a message or a file.
package krb5
