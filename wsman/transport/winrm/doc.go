// Package winrm joins this module to github.com/masterzen/winrm, the package by which Go programs run commands on Windows hosts.
// Programs that import both give one of them another name:
//
//	import (
//		"github.com/masterzen/winrm"
//
//		bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
//	)
//
// [Transporter] is for programs that use its Client: with three changed lines and two imports, as the example shows, all that they send is
// sealed by NTLM or Kerberos, bounded in time and size, and ends with a context. [FromEndpoint] turns its Endpoint and its Parameters into
// the configuration of package transport. [Shell] runs commands over a transport that is there already.
//
// # What of masterzen/winrm is used, and what not
//
// Used are Client, Shell and Command, which write the messages of a remote shell and know their order; Endpoint and Parameters, which carry
// settings; and the interface Transporter. Years of use against Windows have proven those.
//
// None of its own transports runs, neither the default one nor ClientNTLM, ClientKerberos or Encryption: over http they may send the
// password and all bodies in clear, wait without an end, and panic at answers that are cut (facts/auth.md §7).
//
// Between its parser and the host stands a check of every answer: that it is to this request, is XML within limits, and holds what the
// operation is to return. The parser itself takes output that is no base64 for none, an exit code that it cannot read for 0, and needs a
// hundred times the memory of a document of many small parts. Every answer is therefore written anew for it, with what it is to find
// there and nothing else.
//
// # Errors
//
// A fault is a [*FaultError], which holds its XML. It and every other error have a text that masterzen/winrm cannot misread: it asks again
// when it finds the word OperationTimeout in one, and returns the exit code 16001 for EOF. Both words stand there only where they are
// meant, that is in a timeout of the operation and in the loss of a connection.
package winrm
