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
	"errors"
	"fmt"
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

// CertificateFlaw is what is wrong with a server's certificate. The zero value means nothing.
type CertificateFlaw string

// The flaws of a certificate.
const (
	CertificateExpired     CertificateFlaw = "expired"     // since yesterday
	CertificateNotYetValid CertificateFlaw = "notYetValid" // until tomorrow
	CertificateOtherName   CertificateFlaw = "otherName"   // for other.corp.example alone
	CertificateSelfSigned  CertificateFlaw = "selfSigned"  // without an authority: CACertPEM is the certificate itself
)

// validateCertificate refuses a flaw that is unknown, or that nobody would see.
func (c *Config) validateCertificate() error {
	switch c.Certificate {
	case "":
		return nil
	case CertificateExpired, CertificateNotYetValid, CertificateOtherName, CertificateSelfSigned:
		if c.HTTP {
			return errors.New("a certificate needs HTTPS")
		}
		return nil
	}
	return fmt.Errorf("certificate flaw %q is unknown", c.Certificate)
}

// certify gives a server of HTTPS its certificate: its own, or that of common.
func (s *Server) certify(common *common) (err error) {
	switch {
	case s.cfg.HTTP:
	case common.serves(&s.cfg) && s.cfg.Certificate == "":
		s.identity, err = common.serverIdentity(s.now())
	default:
		s.identity, err = newIdentity(s.now(), s.names(), s.cfg.Certificate)
	}
	return err
}

// An authority signs the server's certificate, once.
type authority struct {
	template *x509.Certificate
	key      *ecdsa.PrivateKey
	now      time.Time
}

// newIdentity makes an authority and a certificate for the names given, with a flaw. The authority's key is dropped:
// nothing else can ever be signed with it.
func newIdentity(now time.Time, names []string, flaw CertificateFlaw) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := leafTemplate(names, now, flaw)
	issuer, chain := &authority{key: key, now: now, template: template}, [][]byte{nil}
	if flaw != CertificateSelfSigned {
		var caDER []byte
		if issuer, caDER, err = newAuthority(now); err != nil {
			return nil, err
		}
		chain = append(chain, caDER)
	}
	if chain[0], err = issuer.sign(template, &key.PublicKey); err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, err
	}
	return &identity{
		certificate: tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf},
		caPEM:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1]}),
	}, nil
}

// newAuthority makes an authority and the DER form of its certificate.
func newAuthority(now time.Time) (*authority, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ca := &authority{key: key, now: now, template: &x509.Certificate{
		Subject: pkix.Name{CommonName: "hvmigerr simulated host CA"}, IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := ca.sign(ca.template, &key.PublicKey)
	return ca, der, err
}

func leafTemplate(names []string, now time.Time, flaw CertificateFlaw) *x509.Certificate {
	const day = 24 * time.Hour
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch flaw {
	case CertificateExpired:
		leaf.NotBefore, leaf.NotAfter = now.Add(-certificateLife), now.Add(-day)
	case CertificateNotYetValid:
		leaf.NotBefore, leaf.NotAfter = now.Add(day), now.Add(certificateLife)
	case CertificateOtherName:
		leaf.Subject.CommonName, names = "other.corp.example", []string{"other.corp.example"}
	case CertificateSelfSigned:
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
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = a.now.Add(-time.Hour), a.now.Add(certificateLife)
	}
	return x509.CreateCertificate(rand.Reader, template, a.template, pub, a.key)
}
