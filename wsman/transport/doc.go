// Package transport carries the envelopes of package wsman over HTTP and HTTPS to one host.
//
//	tr, err := transport.New(transport.Config{
//		URL:      "http://hv01:5985/wsman",
//		Auth:     transport.AuthNTLM,
//		User:     `CORP\me`,
//		Password: transport.NewSecret(password),
//	})
//	client, err := wsman.NewClient(wsman.Config{Endpoint: "http://hv01:5985/wsman", Transport: tr})
//
// # What runs over what
//
//	authentication   https                        http
//	AuthNTLM         sealed by NTLM, within TLS   sealed by NTLM
//	AuthKerberos     sealed by Kerberos, in TLS   sealed by Kerberos
//	AuthNegotiate    as one of the two            as one of the two
//	AuthBasic        encrypted by TLS             only with Config.AllowUnencrypted: all in clear, the password too
//	AuthCertificate  encrypted by TLS             never
//	AuthNone         encrypted by TLS             the anonymous Identify, which holds nothing of the user
//
// NTLM and Kerberos authenticate a connection, by tokens on requests without a body, the first of them without a probe. Then every
// envelope and every answer is encrypted and signed in sequence by the session key (MS-WSMV 2.2.9.1), unless
// Config.Unsealed leaves that to TLS. Over TLS the tokens are bound to the host's certificate (RFC 5929). Each connection has its
// own context and carries one request at a time. [Choose] picks the authentication from what is known before anything is sent.
//
// TLS is 1.2 or later; with AuthCertificate it is 1.2 exactly, because Windows asks for the certificate by a
// renegotiation, which 1.3 no longer has (facts/auth.md §5). HTTP is always 1.1.
//
// # Looking without asking
//
// [Resolve], [ProbePorts] and [Transport.Probe] tell how far the way to a host leads, and need no user: names, ports, TLS, what answers.
// [Transport.InspectKerberos] gets the ticket that requests will then use, and reports on the way to it.
//
// # What never happens
//
//   - A failure never leads to less protection: there is no second scheme, port or authentication to fall back to.
//   - A redirect is never followed, a cookie never kept, an answer never decompressed.
//   - An answer in clear is never believed on a session that seals, nor one that is altered, cut, repeated or out of turn.
//   - What a host has refused, be it a password or a ticket, is not sent to it again by the same Transport; and as long as
//     no connection is authenticated, one at a time tries. A password, or NTLM's proof of one, whose answer was lost before the host
//     had ever taken it, is not sent again either: the host may have counted it as wrong.
//   - What is anonymous never goes over a connection that NTLM, Kerberos or a client certificate has authenticated, or may.
//   - A request that may have left is not sent again. When a kept connection turns out to be closed before the first byte
//     of a request was written to it, the request goes out on a new connection. One that is Repeatable goes out once more after a
//     401 to a sealed request, by which a host says that it has forgotten the session. Every other loss is the caller's to judge.
//   - A password for the host never goes to a proxy as the proxy's own, nor a proxy's password to the host.
//   - No read is without a limit, and none outlives its context.
//
// # Errors
//
//   - [*ConnectError]: the host was not reached. Nothing of the request was sent. Inside it may be a [*CertificateError], or the
//     [*wsman.HTTPError] of a proxy that refused. [Transport.Probe] alone has one of StageAnswer.
//   - [wsman.ErrConnectionLost]: the connection broke before the whole answer was read; with [ErrUnanswered] when a password was out.
//   - [*wsman.HTTPError]: an answer that was not SOAP.
//   - [*AuthError]: NTLM or Kerberos did not come about. No envelope was sent. Inside it may be the [*wsman.HTTPError] of the
//     host's 401, a [*KDCError], a [*KDCUnreachableError] or a [*CredentialError].
//   - [*LimitError]: an answer longer than allowed.
//   - [*wsman.ProtocolError]: an answer that was not even HTTP, or encoded in a way that was not asked for, or not sealed as it
//     had to be.
//   - the error of the context, when that ended.
package transport
