package transport

import (
	"errors"
	"net/http"
)

// profileMutualTLS is what WinRM wants in Authorization when the client's certificate speaks for the user (DSP0226, security
// profiles; facts/auth.md §5).
const profileMutualTLS = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// certificate is authentication by the client certificate that tlsConfig offers.
type certificate struct{}

func newCertificate(cfg *Config, scheme string) (authenticator, error) {
	switch {
	case scheme != "https":
		return nil, errors.New("transport: a client certificate needs https")
	case cfg.ClientCertificate == nil:
		return nil, errors.New("transport: Config.ClientCertificate is required for certificate")
	case len(cfg.ClientCertificate.Certificate) == 0 || cfg.ClientCertificate.PrivateKey == nil:
		return nil, errors.New("transport: Config.ClientCertificate lacks the certificate or its key")
	}
	return certificate{}, nil
}

func (certificate) scheme() string { return "certificate" }

func (certificate) authorize(h http.Header) { h.Set("Authorization", profileMutualTLS) }
