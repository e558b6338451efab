package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Pin is the SHA-256 of a certificate in DER: what other tools call its fingerprint or thumbprint.
type Pin [sha256.Size]byte

const pinPrefix = "sha256:"

// ParsePin reads sha256:HEX in any letter case. Colons may stand between the digits.
func ParsePin(s string) (Pin, error) {
	var p Pin
	if len(s) < len(pinPrefix) || !strings.EqualFold(s[:len(pinPrefix)], pinPrefix) {
		return p, fmt.Errorf("pin %q does not begin with %s", s, pinPrefix)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s[len(pinPrefix):], ":", ""))
	if err != nil || len(b) != len(p) {
		return p, fmt.Errorf("pin %q does not hold the %d hexadecimal digits of a SHA-256", s, 2*len(p))
	}
	copy(p[:], b)
	return p, nil
}

// String returns the form that ParsePin reads.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

// ErrPinMismatch is the Err of a [CertificateError] whose certificate no pin matches.
var ErrPinMismatch = errors.New("none of the pins is that of the certificate")

// A CertificateError says why the certificate of the host, or of an https proxy, was not accepted.
type CertificateError struct {
	// Host is the name or address that the certificate had to hold.
	Host string
	// Leaf is the certificate. It is unverified: all in it is the peer's word.
	Leaf *x509.Certificate
	// Seen is the fingerprint of Leaf, as ParsePin reads it.
	Seen string
	// Proxy tells that the certificate is that of an https proxy, which pins do not concern.
	Proxy bool
	// Err is the reason: mostly one of the errors of package x509.
	Err error
}

func newCertificateError(host string, leaf *x509.Certificate, err error) *CertificateError {
	return &CertificateError{Host: host, Leaf: leaf, Seen: Pin(sha256.Sum256(leaf.Raw)).String(), Err: err}
}

func (e *CertificateError) Error() string {
	msg := e.reason() + "; certificate seen now: " + e.Seen
	if e.Proxy {
		return msg
	}
	return msg + "; compare it on the host before you pin it"
}

func (e *CertificateError) Unwrap() error { return e.Err }

// reason says which name, issuer or date is wrong. It quotes what the peer wrote.
func (e *CertificateError) reason() string {
	if _, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return e.nameMismatch()
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		issuer := shorten(e.Leaf.Issuer.String())
		if slices.Equal(e.Leaf.RawIssuer, e.Leaf.RawSubject) {
			return fmt.Sprintf("the certificate of %q is signed by itself (%q) and not known here", e.Host, issuer)
		}
		return fmt.Sprintf("the certificate of %q was issued by %q, which is not known here", e.Host, issuer)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("the certificate %q is valid only from %s to %s", shorten(invalid.Cert.Subject.String()),
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("the certificate of %q: %v", e.Host, e.Err)
}

// nameMismatch says for which names the certificate is. There may be thousands.
func (e *CertificateError) nameMismatch() string {
	if e.addressAsName() {
		return fmt.Sprintf("the certificate holds %q as a DNS name, where an entry for an IP address was due", e.Host)
	}
	const most = 8
	var names []string
	for _, name := range e.Leaf.DNSNames {
		names = append(names, fmt.Sprintf("%q", shorten(name)))
	}
	for _, ip := range e.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("the certificate names no host, where %q was due (its subject %q does not count)",
			e.Host, shorten(e.Leaf.Subject.String()))
	}
	list := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return fmt.Sprintf("the certificate is for %s, not for %q", list, e.Host)
}

// addressAsName tells a common mistake: an address in the list of DNS names, where no client looks for it (RFC 9110 §4.3.5).
func (e *CertificateError) addressAsName() bool {
	due, err := netip.ParseAddr(e.Host)
	return err == nil && slices.ContainsFunc(e.Leaf.DNSNames, func(name string) bool {
		held, err := netip.ParseAddr(name)
		return err == nil && held == due
	})
}

// shorten bounds what a certificate can make us print.
func shorten(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// tlsConfig returns what the handshake with the host needs. What is anonymous has no certificate to show.
func (t *Transport) tlsConfig(anonymous bool) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    t.cfg.RootCAs,
		ServerName: t.serverName(),
	}
	switch {
	case len(t.cfg.Pins) > 0:
		cfg.InsecureSkipVerify = true // the pin says more than chain and name do
		cfg.VerifyConnection = t.verifyPin
	case t.cfg.Insecure:
		cfg.InsecureSkipVerify = true // the caller asked for it
	}
	if t.cfg.Auth == AuthCertificate {
		// Windows asks for the certificate late, by a renegotiation, which TLS 1.3 does not have (facts/auth.md §5).
		cfg.MaxVersion = tls.VersionTLS12
		cfg.Renegotiation = tls.RenegotiateOnceAsClient
	}
	if t.certified(anonymous) {
		cfg.Certificates = []tls.Certificate{*t.cfg.ClientCertificate}
	}
	return cfg
}

// serverName returns the name that the certificate must hold.
func (t *Transport) serverName() string {
	if t.cfg.ServerName != "" {
		return t.cfg.ServerName
	}
	return hostName(t.url)
}

// hostName returns the host of u as others know it: the zone of an IPv6 address is ours alone.
func hostName(u *url.URL) string {
	host, _, _ := strings.Cut(u.Hostname(), "%")
	return host
}

// verifyPin refuses a certificate that is not pinned. It runs on every handshake, resumed ones included.
func (t *Transport) verifyPin(state tls.ConnectionState) error {
	leaf := state.PeerCertificates[0]
	if slices.Contains(t.cfg.Pins, Pin(sha256.Sum256(leaf.Raw))) {
		return nil
	}
	return newCertificateError(t.serverName(), leaf, ErrPinMismatch)
}
