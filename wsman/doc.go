// Package wsman is the client side of WS-Management: SOAP 1.2, WS-Addressing and the operations Identify, Get,
// Enumerate, Pull, Release and Invoke, as Windows hosts, openwsman and OMI speak them (DSP0226, DSP0230, MS-WSMV).
//
// It does not open connections: a [Transport] carries envelopes, package
// [github.com/hvmigerr/hvmigerr/wsman/transport] has one. It does not read CIM-XML, which some methods return as text;
// package [github.com/hvmigerr/hvmigerr/cimerror] does.
//
// # Errors
//
// Every method of [Client] returns an [*OpError] that says what it was doing. Inside is one of three voices, or the error
// of the transport or of the context:
//
//   - [*Fault]: the service refused. [SubcodeOf] and the predicates of Fault tell why.
//   - [*HTTPError]: the reply was not SOAP.
//   - [*ProtocolError]: the reply was SOAP, or claimed to be, and broke the protocol.
//
// A method that ran and failed is none of these: its answer holds a ReturnValue.
//
// # Instances
//
// The wire tells neither types nor arities, so an [Instance] keeps what arrived, and the caller's question converts it:
// [Instance.Scalar] or [Instance.Array], then [Property.Uint], [Property.Time] and so on. NULL, an empty value and a
// missing element are three answers.
package wsman
