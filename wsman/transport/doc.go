// Package transport carries the envelopes of package wsman over HTTP and HTTPS to one host.
//
//	tr, err := transport.New(transport.Config{
//		URL:      "https://hv01:5986/wsman",
//		Auth:     transport.AuthBasic,
//		User:     `hv-reader`,
//		Password: transport.NewSecret(password),
//	})
//	client, err := wsman.NewClient(wsman.Config{Endpoint: "https://hv01:5986/wsman", Transport: tr})
//
// # What runs over what
//
//	authentication   https               http
//	AuthBasic        encrypted by TLS    only with Config.AllowUnencrypted: all in clear, the password too
//	AuthCertificate  encrypted by TLS    never
//	AuthNone         encrypted by TLS    the anonymous Identify, which holds nothing of the user
//
// TLS is 1.2 or later; with AuthCertificate it is 1.2 exactly, because Windows asks for the certificate by a
// renegotiation, which 1.3 no longer has (facts/auth.md §5). HTTP is always 1.1.
//
// # What never happens
//
//   - A failure never leads to less protection: there is no second scheme, port or authentication to fall back to.
//   - A redirect is never followed, a cookie never kept, an answer never decompressed.
//   - A request that may have left is never sent again. When a kept connection turns out to be closed before the first byte
//     of a request was written to it, the request goes out on a new connection; every other loss is the caller's to judge.
//   - A password for the host never goes to a proxy as the proxy's own, nor a proxy's password to the host.
//   - No read is without a limit, and none outlives its context.
//
// # Errors
//
//   - [*ConnectError]: the host was not reached. Nothing of the request was sent. Inside it may be a [*CertificateError], or the
//     [*wsman.HTTPError] of a proxy that refused.
//   - [wsman.ErrConnectionLost]: the connection broke before the whole answer was read.
//   - [*wsman.HTTPError]: an answer that was not SOAP.
//   - [*LimitError]: an answer longer than allowed.
//   - [*wsman.ProtocolError]: an answer that was not even HTTP, or encoded in a way that was not asked for.
//   - the error of the context, when that ended.
package transport
