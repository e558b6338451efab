// Package ntlmssp is both sides of NTLM with sealed messages (MS-NLMP), as tokens and without I/O: [Client] authenticates
// a user, [Server] is what test hosts accept with. It speaks NTLMv2 alone, with signing, sealing, key exchange, extended session
// security and 128 bits; a peer that lacks one of them gets a [*FlagsError]. LM, NTLMv1, datagrams, anonymous users and
// negotiation without a session key are not here.
//
// Tokens of a peer are bounded by their own length: a bad one is an error, and what is allocated for it is a small multiple
// of its length. Clause numbers are those of MS-NLMP; figures that are not the standard's come from facts/auth.md §3.
package ntlmssp
