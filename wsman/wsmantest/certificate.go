package wsmantest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// pinPrefix names the digest in the text of a pin.
const pinPrefix = "sha256:"

// pinOf returns the pin of a certificate: "sha256:" and the hex SHA-256 of its DER form.
func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return pinPrefix + hex.EncodeToString(sum[:])
}

// An identity is the server's certificate and the authority that signed it, both made for this one server.
type identity struct {
	certificate tls.Certificate
	caPEM       []byte
}

// certificateLife is how long the generated certificates are valid; they are made anew by each server.
const certificateLife = 30 * 24 * time.Hour

// An authority signs the server's certificate, once.
type authority struct {
	template *x509.Certificate
	key      *ecdsa.PrivateKey
	now      time.Time
}

// newIdentity makes an authority and a certificate for the names given. The authority's key is
// dropped: nothing else can ever be signed with it.
func newIdentity(now time.Time, names []string) (*identity, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &authority{key: caKey, now: now, template: &x509.Certificate{
		Subject: pkix.Name{CommonName: "hvmigerr simulated host CA"}, IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	caDER, err := ca.sign(ca.template, &caKey.PublicKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafDER, err := ca.sign(leafTemplate(names), &key.PublicKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(leafDER)
	if err != nil {
		return nil, err
	}
	return &identity{
		certificate: tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: key, Leaf: leaf},
		caPEM:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
	}, nil
}

func leafTemplate(names []string) *x509.Certificate {
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	return leaf
}

// sign returns the DER form of template, with the fields filled in that every certificate needs.
func (a *authority) sign(template *x509.Certificate, pub *ecdsa.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = a.now.Add(-time.Hour)
	template.NotAfter = a.now.Add(certificateLife)
	return x509.CreateCertificate(rand.Reader, template, a.template, pub, a.key)
}
