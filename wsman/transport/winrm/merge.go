package winrm

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// merge returns cfg with what from, made of an Endpoint, says.
func merge(cfg, from transport.Config) (transport.Config, error) {
	var err error
	if cfg.URL != "" && cfg.URL != from.URL {
		return cfg, fmt.Errorf("winrm: Config.URL is %s, and the endpoint %s", cfg.URL, from.URL)
	}
	cfg.URL = from.URL
	if name := forTLS(&cfg); name != "" && !strings.HasPrefix(cfg.URL, "https:") {
		return cfg, fmt.Errorf("winrm: Config.%s is set, and the endpoint is not HTTPS", name)
	}
	if cfg.ServerName, err = one("ServerName", cfg.ServerName, from.ServerName); err != nil {
		return cfg, err
	}
	switch {
	case cfg.RootCAs != nil && from.RootCAs != nil && !cfg.RootCAs.Equal(from.RootCAs):
		return cfg, errors.New("winrm: Config.RootCAs and the endpoint's CACert differ")
	case from.RootCAs != nil:
		cfg.RootCAs = from.RootCAs
	}
	switch {
	case from.Insecure && (cfg.RootCAs != nil || cfg.ServerName != "" || len(cfg.Pins) > 0):
		return cfg, errors.New("winrm: the endpoint is Insecure, and there are authorities, a name or pins to check the host by")
	case cfg.Insecure && !from.Insecure:
		return cfg, errors.New("winrm: Config.Insecure is set, and the endpoint's Insecure is not")
	}
	cfg.Insecure = from.Insecure
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = from.ConnectTimeout
	}
	return cfg, mergeCertificate(&cfg, &from)
}

// forTLS returns the name of a field of cfg that says how the host is to be known, or the user by it, and is in vain without TLS to the
// host; "" if there is none. RootCAs may be there for a proxy.
func forTLS(cfg *transport.Config) string {
	switch {
	case len(cfg.Pins) > 0:
		return "Pins"
	case cfg.ServerName != "":
		return "ServerName"
	case cfg.RootCAs != nil && !strings.HasPrefix(cfg.Proxy.String(), "https:"):
		return "RootCAs"
	case cfg.ClientCertificate != nil:
		return "ClientCertificate"
	case cfg.Insecure:
		return "Insecure"
	}
	return ""
}

// one returns the value that is set.
func one(name, a, b string) (string, error) {
	if a != "" && b != "" && a != b {
		return "", fmt.Errorf("winrm: Config.%s is %q, and the endpoint's %q", name, a, b)
	}
	return cmp.Or(a, b), nil
}

func mergeCertificate(cfg, from *transport.Config) error {
	if from.ClientCertificate == nil {
		return nil
	}
	if c := cfg.ClientCertificate; c != nil && !bytes.Equal(leaf(c), leaf(from.ClientCertificate)) {
		return errors.New("winrm: Config.ClientCertificate and the endpoint's Cert differ")
	}
	if cfg.Auth != "" && cfg.Auth != from.Auth {
		return fmt.Errorf("winrm: Config.Auth is %q, and the endpoint has a client certificate", cfg.Auth)
	}
	cfg.ClientCertificate, cfg.Auth = from.ClientCertificate, from.Auth
	return nil
}

// leaf returns the certificate itself, nil if there is none.
func leaf(c *tls.Certificate) []byte {
	if len(c.Certificate) == 0 {
		return nil
	}
	return c.Certificate[0]
}
