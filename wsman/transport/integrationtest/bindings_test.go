//go:build integration

package integrationtest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A certificate is in two PEM files. Its channel bindings are made with hash (RFC 5929 §4.1).
type certificate struct {
	*x509.Certificate
	cert, key string // paths
	hash      string
}

// newCertificate makes a certificate for localhost that is signed with its own key by algorithm.
func newCertificate(t *testing.T, algorithm x509.SignatureAlgorithm, hash string) *certificate {
	t.Helper()
	var key crypto.Signer
	var err error
	if algorithm == x509.ECDSAWithSHA384 {
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	} else {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), SignatureAlgorithm: algorithm,
		BasicConstraintsValid: true, IsCA: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "localhost"}, SignatureAlgorithm: algorithm}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &certificate{Certificate: parsed, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), hash: hash}
	write(t, c.cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, c.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return c
}

// pool returns the authorities that trust c.
func (c *certificate) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.Certificate)
	return p
}

// TestChannelBindings: over TLS the authentication is tied to the host's certificate. Who passes it on from behind another one is refused.
func TestChannelBindings(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	sha256 := newCertificate(t, x509.SHA256WithRSA, "sha256")
	sha384 := newCertificate(t, x509.ECDSAWithSHA384, "sha384")
	sha512 := newCertificate(t, x509.SHA512WithRSAPSS, "sha512")
	other := newCertificate(t, x509.SHA256WithRSA, "sha256")
	for _, p := range append(ntlm, kerberos...) {
		for _, tt := range []struct {
			name       string
			seen, want *certificate
		}{
			{"SHA-256", sha256, sha256},
			{"SHA-384", sha384, sha384},
			{"SHA-512", sha512, sha512},
			{"not wanted", sha256, nil},
			{"wrong", sha256, other},
		} {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				args := []string{"--tls", tt.seen.cert, tt.seen.key}
				if tt.want != nil {
					args = append(args, "--bindings", tt.want.cert, tt.want.hash)
				}
				a := newAcceptor(t, environment(t, k), args...)
				cfg := ntlmConfig(p.auth)
				if len(p.legs) == 1 {
					cfg = k.kerberosConfig(t, p.auth, byPassword())
				}
				cfg.RootCAs = tt.seen.pool()
				tr := a.transport(t, "https", "localhost", cfg)
				if tt.want != other {
					echoSizes(t, tr)
					return
				}
				_, _, err := send(t, tr, 100)
				t.Log(err)
				if e, ok := asAuthError(err); !ok || !e.Refused {
					t.Errorf("RoundTrip = %v, want a refusal", err)
				}
				records := a.stop(t)
				if len(records) != len(p.legs) || records[len(records)-1].Status != http.StatusUnauthorized {
					t.Errorf("the host saw %+v", records)
				}
			})
		}
	}
}

// TestUnsealed: TLS alone protects when that is wanted, once the user is authenticated.
func TestUnsealed(t *testing.T) {
	t.Parallel()
	c := newCertificate(t, x509.SHA256WithRSA, "sha256")
	a := newAcceptor(t, environment(t, nil), "--tls", c.cert, c.key, "--bindings", c.cert, c.hash, "--answer", "clear", "--unsealed")
	cfg := ntlmConfig(transport.AuthNTLM)
	cfg.RootCAs, cfg.Unsealed = c.pool(), true
	text, reply, err := send(t, a.transport(t, "https", "localhost", cfg), 1000)
	if err != nil || reply.Sealed || string(reply.Body) != string(text) {
		t.Errorf("RoundTrip = %+v, %v; want the text, not sealed", reply, err)
	}
}
