package winrm_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// pair returns a certificate and its key in PEM.
func pair(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func TestFromEndpoint(t *testing.T) {
	cert, key := pair(t)
	otherCert, _ := pair(t)
	for _, tt := range []struct {
		name string
		ep   *winrm.Endpoint
		want string // the configuration in short, or a part of the error after "error: "
	}{
		{"http", &winrm.Endpoint{Host: "hv01"}, "http://hv01:5985/wsman"},
		{"https", &winrm.Endpoint{Host: "hv01", HTTPS: true}, "https://hv01:5986/wsman"},
		{"port", &winrm.Endpoint{Host: "hv01", Port: 443, HTTPS: true}, "https://hv01:443/wsman"},
		{"NewEndpoint", winrm.NewEndpoint("hv01", 5986, true, true, nil, nil, nil, 0), "https://hv01:5986/wsman insecure 1m0s"},
		{"IPv6", &winrm.Endpoint{Host: "::1"}, "http://[::1]:5985/wsman"},
		{"IPv6 in brackets", &winrm.Endpoint{Host: "[::1]"}, "http://[::1]:5985/wsman"},
		{"IPv6 with a zone", &winrm.Endpoint{Host: "fe80::1%eth0"}, "http://[fe80::1%25eth0]:5985/wsman"},
		{"server name", &winrm.Endpoint{Host: "10.1.2.3", HTTPS: true, TLSServerName: "hv01"}, "https://10.1.2.3:5986/wsman name=hv01"},
		{"authority", &winrm.Endpoint{Host: "hv01", HTTPS: true, CACert: cert}, "https://hv01:5986/wsman roots"},
		{"certificate", &winrm.Endpoint{Host: "hv01", HTTPS: true, Cert: cert, Key: key}, "https://hv01:5986/wsman certificate"},
		{"timeout", &winrm.Endpoint{Host: "hv01", Timeout: time.Second}, "http://hv01:5985/wsman 1s"},
		{"nil", nil, "error: no endpoint"},
		{"no host", &winrm.Endpoint{}, `error: "" is not a host`},
		{"user in host", &winrm.Endpoint{Host: "u:p@hv01"}, "error: is not a host"},
		{"path in host", &winrm.Endpoint{Host: "hv01/x"}, "error: is not a host"},
		{"query in host", &winrm.Endpoint{Host: "hv01?"}, "error: is not a host"},
		{"port too high", &winrm.Endpoint{Host: "hv01", Port: 65536}, "error: port 65536"},
		{"port negative", &winrm.Endpoint{Host: "hv01", Port: -1}, "error: port -1"},
		{"timeout negative", &winrm.Endpoint{Host: "hv01", Timeout: -1}, "error: negative"},
		{"authority without PEM", &winrm.Endpoint{Host: "hv01", HTTPS: true, CACert: []byte("x")}, "error: CACert"},
		{"certificate without key", &winrm.Endpoint{Host: "hv01", HTTPS: true, Cert: cert}, "error: Cert and Key"},
		{"key without certificate", &winrm.Endpoint{Host: "hv01", HTTPS: true, Key: key}, "error: Cert and Key"},
		{"another's key", &winrm.Endpoint{Host: "hv01", HTTPS: true, Cert: otherCert, Key: key}, "error: Cert and Key"},
		{"authority without HTTPS", &winrm.Endpoint{Host: "hv01", CACert: cert}, "error: not HTTPS"},
		{"server name without HTTPS", &winrm.Endpoint{Host: "hv01", TLSServerName: "x"}, "error: not HTTPS"},
		{"certificate without HTTPS", &winrm.Endpoint{Host: "hv01", Cert: cert, Key: key}, "error: not HTTPS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := bridge.FromEndpoint(tt.ep, winrm.DefaultParameters)
			if want, ok := strings.CutPrefix(tt.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("FromEndpoint: error %v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatalf("FromEndpoint: %v", err)
			}
			if got := brief(cfg); got != tt.want {
				t.Errorf("FromEndpoint = %s, want %s", got, tt.want)
			}
			// It is whole but for the user, and Basic over http still has to be allowed by name.
			if cfg.Auth == "" {
				cfg.Auth, cfg.User = transport.AuthBasic, "u"
			}
			if _, err := transport.New(cfg); (err == nil) != strings.HasPrefix(cfg.URL, "https") {
				t.Errorf("transport.New: %v", err)
			}
		})
	}
}

// brief writes cfg in a line.
func brief(cfg transport.Config) string {
	s := cfg.URL
	if cfg.RootCAs != nil {
		s += " roots"
	}
	if cfg.Auth == transport.AuthCertificate && cfg.ClientCertificate != nil {
		s += " certificate"
	}
	if cfg.Insecure {
		s += " insecure"
	}
	if cfg.ServerName != "" {
		s += " name=" + cfg.ServerName
	}
	if cfg.ConnectTimeout != 0 {
		s += fmt.Sprintf(" %v", cfg.ConnectTimeout)
	}
	if cfg.DialContext != nil {
		s += " dial"
	}
	return s
}

// TestDial goes through the dialer of the parameters to a host.
func TestDial(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/soap+xml")
		_, _ = w.Write([]byte("<x/>"))
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	var dialed []string
	cfg, err := bridge.FromEndpoint(
		&winrm.Endpoint{Host: "example.com", Port: port, HTTPS: true, CACert: ca}, // httptest's certificate is for it
		&winrm.Parameters{Dial: func(network, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			return net.Dial(network, server.Listener.Addr().String())
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Auth, cfg.User = transport.AuthBasic, "u"
	if cfg.Proxy, err = transport.ParseProxy("none"); err != nil {
		t.Fatal(err)
	}
	tr, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	if r, err := tr.RoundTrip(t.Context(), &wsman.Request{Body: []byte("<x/>")}); err != nil || string(r.Body) != "<x/>" {
		t.Errorf("RoundTrip = %v, %v", r, err)
	}
	if want := "example.com:" + u.Port(); len(dialed) != 1 || dialed[0] != want {
		t.Errorf("dialled %q, want %s", dialed, want)
	}
}

// TestDialLate: a dialer that outlives its context holds nobody up, and its connection is closed.
func TestDialLate(t *testing.T) {
	release := make(chan struct{})
	client, server := net.Pipe()
	cfg, err := bridge.FromEndpoint(&winrm.Endpoint{Host: "hv01"}, &winrm.Parameters{Dial: func(string, string) (net.Conn, error) {
		<-release
		return client, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := cfg.DialContext(ctx, "tcp", "hv01:5985"); c != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("DialContext = %v, %v, want context.Canceled", c, err)
	}
	close(release)
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("the late connection is open")
	}
}
