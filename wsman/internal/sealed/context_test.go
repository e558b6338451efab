package sealed_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// TestTLSServerEndPoint compares with what Python's hashlib and struct gave for the certificates, which openssl 3.0 made.
func TestTLSServerEndPoint(t *testing.T) {
	want := []struct{ name, bindings string }{
		{"ecdsa-sha1", "87e87e6555d618ebc1785df3f1779730"},
		{"ecdsa-sha256", "65289bbf1e9ba71b9454ddf980309fde"},
		{"ecdsa-sha384", "b72200b5c990c0f8cd50494a78f3331b"},
		{"ecdsa-sha512", "25120ef85c9254a52e24dafd51d02244"},
		{"ed25519", "726c79d7130df9e4d01c08e6b85d03bc"}, // names no hash
		{"rsa-md5", "8a781e87ab67f73b98e12b14d96c9022"},
		{"rsa-pss-sha384", "614774a0b7dc1dbe7ce70eff74c92420"},
	}
	rest, err := os.ReadFile("testdata/certificates.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range want {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("no certificate %s", tt.name)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if cert.Subject.CommonName != tt.name {
			t.Fatalf("certificate of %s, want %s", cert.Subject.CommonName, tt.name)
		}
		if got := sealed.TLSServerEndPoint(cert); hex.EncodeToString(got[:]) != tt.bindings {
			t.Errorf("TLSServerEndPoint(%s) = %x, want %s", tt.name, *got, tt.bindings)
		}
	}
}

// TestTLSServerEndPointHash: the hash is that of the signature, whatever the kind of key. TestTLSServerEndPoint has real certificates with
// one algorithm of each hash.
func TestTLSServerEndPointHash(t *testing.T) {
	for as, algorithms := range map[x509.SignatureAlgorithm][]x509.SignatureAlgorithm{
		x509.ECDSAWithSHA256: {x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.PureEd25519},
		x509.ECDSAWithSHA384: {x509.SHA384WithRSA, x509.SHA384WithRSAPSS},
		x509.ECDSAWithSHA512: {x509.SHA512WithRSA, x509.SHA512WithRSAPSS},
	} {
		want := *sealed.TLSServerEndPoint(&x509.Certificate{Raw: []byte("a certificate"), SignatureAlgorithm: as})
		for _, a := range algorithms {
			if got := *sealed.TLSServerEndPoint(&x509.Certificate{Raw: []byte("a certificate"), SignatureAlgorithm: a}); got != want {
				t.Errorf("TLSServerEndPoint(%v) = %x, want %x as of %v", a, got, want, as)
			}
		}
	}
}
