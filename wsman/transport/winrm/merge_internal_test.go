// merge's result is what a transport is made of; from outside only its errors are seen.
package winrm

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func TestMerge(t *testing.T) {
	const url = "https://hv01:5986/wsman"
	one, two := &tls.Certificate{Certificate: [][]byte{{1}}}, &tls.Certificate{Certificate: [][]byte{{2}}}
	pool, other := x509.NewCertPool(), x509.NewCertPool()
	other.AddCert(&x509.Certificate{Raw: []byte{1}, RawSubject: []byte{1}})
	pins := []transport.Pin{{1}}
	for _, tt := range []struct {
		name      string
		cfg, from transport.Config
		want      string // of the error; "" is none
	}{
		{"nothing", transport.Config{}, transport.Config{}, ""},
		{"same URL", transport.Config{URL: url}, transport.Config{}, ""},
		{"another URL", transport.Config{URL: "https://hv02:5986/wsman"}, transport.Config{}, "Config.URL"},
		{"less TLS", transport.Config{URL: "http://hv01:5985/wsman"}, transport.Config{}, "Config.URL"},
		{"name of one", transport.Config{ServerName: "a"}, transport.Config{}, ""},
		{"name of the other", transport.Config{}, transport.Config{ServerName: "a"}, ""},
		{"two names", transport.Config{ServerName: "b"}, transport.Config{ServerName: "a"}, "ServerName"},
		{"roots of one", transport.Config{RootCAs: pool}, transport.Config{}, ""},
		{"roots of the other", transport.Config{}, transport.Config{RootCAs: pool}, ""},
		{"other roots", transport.Config{RootCAs: other}, transport.Config{RootCAs: pool}, "RootCAs"},
		{"insecure", transport.Config{}, transport.Config{Insecure: true}, ""},
		{"insecure twice", transport.Config{Insecure: true}, transport.Config{Insecure: true}, ""},
		{"insecure without the endpoint", transport.Config{Insecure: true}, transport.Config{}, "Config.Insecure"},
		{"insecure and pins", transport.Config{Pins: pins}, transport.Config{Insecure: true}, "Insecure"},
		{"insecure and roots", transport.Config{RootCAs: pool}, transport.Config{Insecure: true}, "Insecure"},
		{"insecure and name", transport.Config{ServerName: "a"}, transport.Config{Insecure: true}, "Insecure"},
		{"certificate", transport.Config{}, transport.Config{ClientCertificate: one, Auth: transport.AuthCertificate}, ""},
		{"certificate twice", transport.Config{ClientCertificate: one}, transport.Config{ClientCertificate: one, Auth: transport.AuthCertificate}, ""},
		{"two certificates", transport.Config{ClientCertificate: two}, transport.Config{ClientCertificate: one, Auth: transport.AuthCertificate}, "Cert"},
		{"certificate and NTLM", transport.Config{Auth: transport.AuthNTLM}, transport.Config{ClientCertificate: one, Auth: transport.AuthCertificate}, "Config.Auth"},
		{"certificate without one", transport.Config{ClientCertificate: new(tls.Certificate)}, transport.Config{ClientCertificate: one, Auth: transport.AuthCertificate}, "Cert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.from.URL, tt.from.ConnectTimeout = url, time.Minute
			got, err := merge(tt.cfg, tt.from)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("merge: %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			either := func(of func(*transport.Config) bool) bool { return of(&tt.cfg) || of(&tt.from) }
			for what, of := range map[string]func(*transport.Config) bool{
				"ServerName":  func(c *transport.Config) bool { return c.ServerName != "" },
				"RootCAs":     func(c *transport.Config) bool { return c.RootCAs != nil },
				"Insecure":    func(c *transport.Config) bool { return c.Insecure },
				"certificate": func(c *transport.Config) bool { return c.ClientCertificate != nil },
				"Auth":        func(c *transport.Config) bool { return c.Auth == transport.AuthCertificate },
			} {
				if of(&got) != either(of) {
					t.Errorf("%s is %v", what, of(&got))
				}
			}
			if got.URL != url || got.ConnectTimeout != time.Minute {
				t.Errorf("URL %s, ConnectTimeout %v", got.URL, got.ConnectTimeout)
			}
		})
	}
	got, err := merge(transport.Config{ConnectTimeout: time.Second}, transport.Config{URL: url, ConnectTimeout: time.Minute})
	if err != nil || got.ConnectTimeout != time.Second {
		t.Errorf("ConnectTimeout = %v, %v; the Config's own stays", got.ConnectTimeout, err)
	}
}

// TestMergeWithoutTLS: how the host, or the user, is to be known by TLS is not left out in silence where there is none.
func TestMergeWithoutTLS(t *testing.T) {
	proxy, err := transport.ParseProxy("https://proxy:3128")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for _, tt := range []struct {
		name      string
		cfg, from transport.Config
		want      string // of the error; "" is none
	}{
		{"nothing", transport.Config{}, transport.Config{}, ""},
		{"pins", transport.Config{Pins: []transport.Pin{{1}}}, transport.Config{}, "Config.Pins"},
		{"name", transport.Config{ServerName: "a"}, transport.Config{}, "Config.ServerName"},
		{"roots", transport.Config{RootCAs: pool}, transport.Config{}, "Config.RootCAs"},
		{"roots of a proxy", transport.Config{RootCAs: pool, Proxy: proxy}, transport.Config{}, ""},
		{"certificate", transport.Config{ClientCertificate: new(tls.Certificate)}, transport.Config{}, "Config.ClientCertificate"},
		{"insecure", transport.Config{Insecure: true}, transport.Config{Insecure: true}, "Config.Insecure"},
		{"the endpoint's insecure", transport.Config{}, transport.Config{Insecure: true}, ""}, // programs set it for both
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.from.URL = "http://hv01:5985/wsman"
			_, err := merge(tt.cfg, tt.from)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("merge: %v, want %q", err, tt.want)
			}
		})
	}
}
