// Package spnego agrees on a mechanism: RFC 4178 with the deviations of MS-SPNG that matter over HTTP.
//
// An [Initiator] offers one mechanism, so nothing can be talked down: an acceptor takes it or the handshake is over. An [Acceptor]
// chooses among several; it is the other side of tests. Either gives its Context only when the mechanism is complete and
// the peer's mechListMIC, where there is one or has to be one, is verified.
//
// When the acceptor sends the mechanism's last token (Kerberos) and took what was offered first, both may leave the MICs
// out (RFC 4178 §5). When the initiator sends it (NTLM), this package always adds a MIC, which Windows wants.
//
// The package does no I/O.
package spnego
