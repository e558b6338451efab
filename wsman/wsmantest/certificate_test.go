package wsmantest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestCertificateFlaw shakes hands with a server of each flaw, as a client that trusts its authority.
func TestCertificateFlaw(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flaw wsmantest.CertificateFlaw
		name string // that the client asks for
		want string // of the error, "" for none
	}{
		{"", "127.0.0.1", ""},
		{"", "localhost", ""},
		{wsmantest.CertificateExpired, "localhost", "expired"},
		{wsmantest.CertificateNotYetValid, "localhost", "not yet valid"},
		{wsmantest.CertificateOtherName, "localhost", "not localhost"},
		{wsmantest.CertificateOtherName, "127.0.0.1", "IP SANs"},
		{wsmantest.CertificateOtherName, "other.corp.example", ""},
		{wsmantest.CertificateSelfSigned, "localhost", ""}, // trusted as it is
	}
	for _, tt := range tests {
		t.Run(string(tt.flaw)+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, wsmantest.Config{Certificate: tt.flaw, Clock: time.Now})
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(s.CACertPEM())
			chain, err := handshake(t, s, &tls.Config{RootCAs: roots, ServerName: tt.name})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("handshake: %v, want %q", err, tt.want)
			}
			if err == nil && (len(chain) == 1) != (tt.flaw == wsmantest.CertificateSelfSigned) {
				t.Errorf("%d certificates came", len(chain))
			}
			_, err = handshake(t, s, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: tt.name})
			if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
				t.Errorf("a client that does not know the authority: %v", err)
			}
		})
	}
}

// handshake returns what the server shows of itself.
func handshake(t *testing.T, s *wsmantest.Server, cfg *tls.Config) ([]*x509.Certificate, error) {
	t.Helper()
	cfg.MinVersion = tls.VersionTLS12
	d := &tls.Dialer{NetDialer: &net.Dialer{}, Config: cfg}
	conn, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	secured, ok := conn.(*tls.Conn)
	if !ok {
		t.Fatalf("tls.Dialer gave a %T", conn)
	}
	return secured.ConnectionState().PeerCertificates, nil
}

// TestCertificateFlawRefused: a flaw that is unknown, or that nobody would see, is a mistake.
func TestCertificateFlawRefused(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]wsmantest.Config{
		`certificate flaw "odd" is unknown`: {Certificate: "odd"},
		"a certificate needs HTTPS":         {Certificate: wsmantest.CertificateExpired, HTTP: true},
	} {
		if _, err := wsmantest.NewServer(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewServer = %v, want %q", err, want)
		}
	}
}
